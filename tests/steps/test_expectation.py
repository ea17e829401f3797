import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from medseg.bundle.expected_input import ExpectedInput
from medseg.bundle.validity import AXES, LabelLimits, Limits, Validity
from medseg.core.volume import Volume
from medseg.runs.report_facts import Measurement, ReportChannel
from medseg.steps.expectation import judge_result, judge_scan, with_expectation
from medseg.steps.jobs import Scan

EXPECTED = ExpectedInput(2.0, "brains are smaller")


def _scan(nonzero: int) -> Scan:
    """Two channels of 10 x 10 x 30 voxels of 1 mm; the second has ``nonzero`` voxels that are not 0."""
    array = np.zeros((2, 10, 10, 30), np.float32)
    array[1].ravel()[:nonzero] = 5
    channels = [ReportChannel(name, "", None, "", (10, 10, 30), (1, 1, 1), False, "accepted") for name in ("t1", "t2")]
    return Scan(Volume(array, np.eye(4)), tuple(channels))


@pytest.mark.parametrize(("nonzero", "warned"), [(0, False), (2000, False), (2001, True)])
def test_a_channel_with_more_than_the_expected_volume_is_warned_of(nonzero: int, warned: bool) -> None:
    warnings = with_expectation(_scan(nonzero), EXPECTED).warnings
    assert [one.code for one in warnings] == ["unlike_training"] * warned


def test_the_warning_names_channel_volume_and_reason() -> None:
    (warning,) = with_expectation(_scan(2900), EXPECTED).warnings
    assert "channel t2 has 3 ml" in warning.sentence
    assert "at most 2 ml: brains are smaller" in warning.sentence


def test_a_bundle_that_expects_nothing_changes_nothing() -> None:
    scan = _scan(2900)
    assert with_expectation(scan, None) is scan


# Validity


def _validity(**changes: Any) -> Validity:
    """Of two channels of 10 x 10 x 30 mm, in voxels of 1 mm, with values from 1 to 100; two labels."""
    plain = Validity(
        studies=9,
        patients=9,
        modality=("MR",),
        spacing_mm=dict.fromkeys(AXES, Limits((1.0, 1.0), (0.9, 1.1), (0.5, 2.0))),
        extent_mm={
            "right": Limits((10.0, 10.0), (9.0, 11.0), (5.0, 20.0)),
            "front": Limits((10.0, 10.0), (9.0, 11.0), (5.0, 20.0)),
            "top": Limits((30.0, 40.0), (27.0, 44.0), (15.0, 80.0)),
        },
        orientation=("RAS",),
        orientation_matters=True,
        intensity={
            "t1": {"p50": Limits((40.0, 60.0), (25.0, 75.0)), "p99.5": Limits((90.0, 100.0), (65.0, 125.0))},
            "t2": {"median_position": Limits((0.4, 0.6), (0.35, 0.65)), "p50": Limits((4.0, 1e6))},
        },
        labels={
            "core": LabelLimits(Limits((1.0, 2.0), (0.75, 2.5)), may_be_absent=False),
            "rim": LabelLimits(Limits((1.0, 1.0), (0.75, 1.25)), may_be_absent=True),
        },
    )
    return replace(plain, **changes)


_RAS_1_MM = np.eye(4)


def _like_training(affine: npt.ArrayLike = _RAS_1_MM, shape: tuple[int, int, int] = (10, 10, 30)) -> Scan:
    """Both channels rise from 0 to 100."""
    array = np.linspace(0, 100, 2 * math.prod(shape), dtype=np.float32).reshape(-1, 2).T.reshape(2, *shape)
    return replace(_scan(0), volume=Volume(array, np.asarray(affine, float)))


def _spaced(*spacing_mm: float) -> npt.NDArray[np.float64]:
    return np.diag([*spacing_mm, 1.0])


def test_a_scan_like_those_of_the_training_is_accepted_without_a_word() -> None:
    assert judge_scan(_like_training(), [_validity()], modality="MR").code == "accepted"
    assert judge_scan(_like_training(), [_validity()], modality="").code == "accepted"


def test_without_validity_everything_is_accepted() -> None:
    assert judge_scan(_like_training(_spaced(90, 90, 90)), [], modality="CT").code == "accepted"


def test_another_modality_is_refused() -> None:
    verdict = judge_scan(_like_training(), [_validity()], modality="CT")
    assert verdict.code == "outside_validity"
    assert "its modality is CT, it must be MR. Give a scan like" in verdict.reason


def test_a_modality_is_not_checked_where_the_training_s_is_unknown() -> None:
    assert judge_scan(_like_training(), [_validity(modality=())], modality="CT").accepted


@pytest.mark.parametrize(("mm", "accepted"), [(0.5, True), (0.49, False), (2.0, True), (2.05, False)])
def test_a_spacing_on_the_limit_is_used_and_one_beyond_it_is_not(mm: float, accepted: bool) -> None:
    slices = round(30 / mm)  # 30 mm high in any case
    verdict = judge_scan(_like_training(_spaced(1, 1, mm), (10, 10, slices)), [_validity()], modality="MR")
    assert verdict.accepted is accepted
    said = [finding.sentence for finding in (*verdict.refusals, *verdict.warnings)]
    assert any(f"spacing from bottom to top is {mm:g} mm" in sentence for sentence in said)


@pytest.mark.parametrize(("slices", "code"), [(80, "unlike_training"), (81, "outside_validity"), (44, None),
                                              (45, "unlike_training"), (15, "unlike_training"),
                                              (14, "outside_validity")])  # fmt: skip
def test_extents_have_both_kinds_of_limits(slices: int, code: str | None) -> None:
    verdict = judge_scan(_like_training(shape=(10, 10, slices)), [_validity()], modality="MR")
    assert [one.code for one in (*verdict.refusals, *verdict.warnings)] == ([code] if code else [])


def test_all_that_is_wrong_is_told_in_one_sentence_with_value_and_limit() -> None:
    (finding,) = judge_scan(_like_training(_spaced(3, 1, 0.25)), [_validity()], modality="CT").refusals
    assert finding.sentence == (
        "the scan is outside of what the model may be used on: its modality is CT, it must be MR; spacing from left to "
        "right is 3 mm, it must be 0.5 to 2 mm; spacing from bottom to top is 0.25 mm, it must be 0.5 to 2 mm; extent "
        "from left to right is 30 mm, it must be 5 to 20 mm; extent from bottom to top is 7.5 mm, it must be 15 to 80 "
        "mm. Give a scan like those it was trained on, or take a model that was trained on such scans."
    )


def test_lengths_are_compared_along_the_patient_not_along_the_file() -> None:
    affine = np.array([[0, 0, 1.0, 0], [0, 1.0, 0, 0], [1.0, 0, 0, 0], [0, 0, 0, 1]])  # i runs to the top
    verdict = judge_scan(_like_training(affine, (30, 10, 10)), [_validity()], modality="MR")
    assert [one.sentence for one in verdict.warnings] == [
        "voxel axes are stored as SAR; in training they were RAS. Look at the result closely."
    ]
    verdict = judge_scan(_like_training(affine, (30, 10, 10)), [_validity(orientation_matters=False)], modality="MR")
    assert verdict.code == "accepted"


def test_a_packager_may_take_a_limit_away() -> None:
    free = dict.fromkeys(AXES, Limits((1.0, 1.0)))
    verdict = judge_scan(_like_training(_spaced(3, 3, 3)), [_validity(spacing_mm=free, extent_mm={})], modality="MR")
    assert verdict.code == "accepted"


def test_values_in_units_are_compared_as_they_are() -> None:
    scan = _like_training()
    scan.volume.array[0] *= 2
    verdict = judge_scan(scan, [_validity()], modality="MR")
    assert [one.sentence[:60] for one in verdict.warnings] == [
        "channel t1: median intensity is 100; the model was trained w",
        "channel t1: 99.5th percentile of intensities is 199; the mod",
    ]
    assert {one.code for one in verdict.warnings} == {"unlike_training"}


def test_values_without_unit_are_compared_by_the_position_of_their_median() -> None:
    scan = _like_training()
    scan.volume.array[1] *= 1e5
    assert judge_scan(scan, [_validity()], modality="MR").code == "accepted"
    scan.volume.array[1] = scan.volume.array[1] ** 3  # the median of a cubed ramp is an eighth of its end
    (warning,) = judge_scan(scan, [_validity()], modality="MR").warnings
    assert re.search(r"channel t2: median intensity, between low .* is 0\.12\d+; the model was trained with 0.4 to 0.6",
                     warning.sentence)  # fmt: skip


def test_an_empty_channel_is_told() -> None:
    scan = _like_training()
    scan.volume.array[1] = -7
    (warning,) = judge_scan(scan, [_validity()], modality="MR").warnings
    assert "channel t2 shows nothing: every voxel is 0 or the smallest value" in warning.sentence


def test_of_several_models_each_has_a_say_and_nothing_is_told_twice() -> None:
    strict = _validity(spacing_mm=dict.fromkeys(AXES, Limits((0.8, 0.8), (0.7, 0.9), (0.4, 0.95))))
    (finding,) = judge_scan(_like_training(), [_validity(), strict], modality="CT").refusals
    assert finding.sentence.count("its modality is CT") == 1
    assert finding.sentence.count("it must be 0.4 to 0.95 mm") == 3
    soft = _validity(spacing_mm=dict.fromkeys(AXES, Limits((0.8, 0.8), (0.7, 0.9), (0.4, 1.6))))
    warnings = judge_scan(_like_training(), [soft, _validity(), soft], modality="MR").warnings
    assert [one.sentence for one in warnings] == [
        f"spacing {way} is 1 mm; it was 0.8 mm in training. Look at the result closely."
        for way in ("from left to right", "from back to front", "from bottom to top")
    ]


# The result


def _measured(core_ml: float, rim_ml: float = 0.0) -> list[Measurement]:
    """As of voxels of 0.001 ml; and a region of both, which no one compares."""
    volumes = {"core": core_ml, "rim": rim_ml, "whole": 100.0}
    return [Measurement(name, (1,), ml, round(ml * 1000), name == "whole") for name, ml in volumes.items()]


@pytest.mark.parametrize(
    ("core_ml", "rim_ml", "says"),
    [
        (0.75, 0.0, None),
        (2.5, 1.25, None),
        (0.74, 0.0, "label core has 0.74 ml; the model was trained with 1 to 2 ml. Check the result."),
        (2.6, 0.0, "label core has 2.6 ml; the model was trained with 1 to 2 ml. Check the result."),
        (1.0, 1.3, "label rim has 1.3 ml; it was 1 ml in training. Check the result."),
        (0.0, 0.0, "label core was not found; every training study had it. Check the result."),
    ],
)
def test_a_label_is_compared_with_those_of_the_training(core_ml: float, rim_ml: float, says: str | None) -> None:
    findings = judge_result(_measured(core_ml, rim_ml), [_validity()])
    assert [one.sentence for one in findings] == ([says] if says else [])
    assert {one.code for one in findings} <= {"unlike_training"}


def test_a_result_is_not_judged_without_validity_or_limits() -> None:
    assert judge_result(_measured(9.0), []) == ()
    unknown = {name: LabelLimits(None, may_be_absent=True) for name in ("core", "rim")}
    assert judge_result(_measured(9.0), [_validity(labels=unknown)]) == ()
