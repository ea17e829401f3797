import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from medseg.planning.fingerprint import Fingerprint, Source, fingerprint_of, is_patient, range_of
from medseg.planning.measures import QUANTILES, ChannelMeasures, LabelMeasures, StudyMeasures

Study = Callable[..., StudyMeasures]
Label = Callable[..., LabelMeasures]


@pytest.fixture
def source(fingerprint: Callable[..., Fingerprint]) -> Source:
    return fingerprint().source


def test_numbers_of_all_studies_stand_side_by_side(source: Source, study: Study) -> None:
    found = fingerprint_of(source, {"b": study(shape=(40, 50, 60)), "a": study(stored_axes="LPS")}, 1)
    assert (found.studies, found.patients) == (2, 1)
    assert found.shapes == ((36, 50, 36), (40, 50, 60))
    assert found.orientations == {"LPS": 1, "RAS": 1}
    assert found.thin_axis is None
    assert [one.axis for one in found.mirroring] == [0, 1, 2]


def test_studies_weigh_as_many_as_their_labelled_voxels(source: Source, study: Study, label: Label) -> None:
    # 300 voxels of value 10 and 100 of value 50: mean 20; squares 0.75 * 100 + 0.25 * 2500 - 400 = 300
    def flat(value: float, voxels: int) -> StudyMeasures:
        channel = ChannelMeasures(0.0, 2 * value, value, 0.0, (value,) * QUANTILES)
        return study(channels=(channel,), labels={1: label(voxels=voxels)})

    (found,) = fingerprint_of(source, {"a": flat(10.0, 300), "b": flat(50.0, 100)}, 2).intensities
    assert (found.mean, found.deviation) == (pytest.approx(20.0), pytest.approx(300**0.5))
    assert found.clip == (10.0, 50.0)
    assert (found.low, found.high, found.highs) == (0.0, 100.0, (20.0, 100.0))


def test_percentiles_of_equal_studies_are_those_of_one(fingerprint: Callable[..., Fingerprint]) -> None:
    (found,) = fingerprint(5).intensities  # values 0 to 200, a step per half percent
    assert found.clip == (1.0, 199.0)


def test_labels_are_summed_up_over_the_studies_that_hold_them(source: Source, study: Study, label: Label) -> None:
    studies = {
        "a": study(labels={1: label(voxels=1000)}),
        "b": study(labels={1: label(voxels=3000, parts=2), 2: label()}),
        "c": study(labels={1: label(voxels=2000)}),
    }
    found = fingerprint_of(source, studies, 3).labels
    assert (found[1].present, found[1].ml, found[1].single) == (3, (1.0, 2.0, 3.0), pytest.approx(2 / 3))
    assert (found[2].present, found[2].single) == (1, 1.0)


def test_a_declared_label_that_nobody_has_is_kept_with_nothing(source: Source, study: Study) -> None:
    found = fingerprint_of(replace(source, labels={1: "head", 2: "tail", 3: "rare"}), {"a": study()}, 1)
    assert found.labels[3].present == 0


def test_studies_without_labelled_voxels_have_no_range(source: Source, study: Study) -> None:
    empty = study(labels={}, channels=(ChannelMeasures(0.0, 5.0, 0.0, 0.0, ()),))
    (found,) = fingerprint_of(source, {"a": empty}, 1).intensities
    assert (found.mean, found.deviation, found.clip) == (0.0, 0.0, (0.0, 0.0))


def test_images_of_one_slice_have_a_thin_axis_that_is_never_mirrored(source: Source, study: Study) -> None:
    found = fingerprint_of(source, {"a": study(shape=(1, 50, 36)), "b": study(shape=(1, 60, 36))}, 2)
    assert found.thin_axis == 0
    assert [one.axis for one in found.mirroring] == [1, 2]
    mixed = fingerprint_of(source, {"a": study(shape=(1, 50, 36)), "b": study()}, 2)
    assert mixed.thin_axis is None


def test_a_file_of_it_is_plain_and_the_same_each_time(fingerprint: Callable[..., Fingerprint]) -> None:
    first, second = (json.dumps(fingerprint(3).as_json(), allow_nan=False) for _ in range(2))
    assert first == second
    assert json.loads(first)["spacings"] == {"smallest": [1, 1, 1], "median": [1, 1, 1], "largest": [1, 1, 1]}


def test_ranges_are_taken_along_each_axis() -> None:
    assert range_of([(1, 9), (3, 5), (2, 7)]) == ((1, 5), (2, 7), (3, 9))


def test_microscopes_look_at_no_patient() -> None:
    assert is_patient("MR")
    assert is_patient("unknown")
    assert not is_patient("microscopy")
