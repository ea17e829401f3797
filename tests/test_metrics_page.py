"""The page of metrics says what the code does: every row of its tables, and what other programs give on one example."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from medseg.metrics import bootstrap, policy, signed_rank, strata, summary, surface, two_models
from medseg.metrics.hausdorff_variants import HD_VARIANTS
from medseg.metrics.lesion_rules import LESION_RULES, LesionRules
from medseg.metrics.lesions import LesionState
from medseg.metrics.mask_pair import MaskPair, compare_masks
from medseg.metrics.metric import METRICS, Metric
from medseg.metrics.policy import POLICIES, State, penalised
from medseg.metrics.surface_elements import ELEMENTS

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "reference" / "metrics.md").read_text(encoding="utf-8")
SPACING_MM = (1.0, 1.0, 1.0)


def _table(first: str) -> list[dict[str, str]]:
    """Rows of the table whose header begins so, each as column to cell without code marks."""
    lines = PAGE.split(f"\n| {first} |", 1)[1].split("\n\n", 1)[0].splitlines()
    header, _, *rows = [[cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip([first.replace("`", ""), *header], row, strict=True)) for row in rows]


def _range(metric: Metric, key: str) -> str:
    if metric.kind == "share":
        return "0 to 1"
    return "any" if key == "difference_ml" else "from 0"


def test_every_metric_has_its_row_in_order() -> None:
    rows = [(row["Key"], row["Shown as"], row["Unit"], row["Better"], row["Range"]) for row in _table("Key")]
    assert rows == [(key, m.title, m.unit, m.better or "", _range(m, key)) for key, m in METRICS.items()]


def test_every_kind_of_surface_element_has_its_row() -> None:
    assert [row["Elements"] for row in _table("Elements")] == list(ELEMENTS)


def test_every_variant_has_its_row_and_the_default_is_marked() -> None:
    rows = {row["--hd-variant"]: row for row in _table("`--hd-variant`")}
    default = POLICIES["default"].hd_variant
    names = [f"{name} (default)" if name == default else name for name in HD_VARIANTS]
    assert list(rows) == names
    for row, variant in zip(rows.values(), HD_VARIANTS.values(), strict=True):
        assert row["Elements"] == variant.elements
        assert row["Percentile of"].startswith("both sides together" if variant.pooled else "each side")


@pytest.mark.parametrize("name", POLICIES)
def test_every_field_of_a_policy_has_its_row(name: str) -> None:
    values = POLICIES[name].values()
    rows = {row["Field"]: row[name] for row in _table("Field")}
    assert list(rows) == list(values)
    expected = {key: str(value) for key, value in values.items()}
    expected |= {"tolerance_mm": "", "lesions": values["lesions"]["name"]}
    assert values["tolerance_mm"] == {}
    assert rows == expected


@pytest.mark.parametrize("name", POLICIES)
def test_what_empty_masks_score_is_on_the_page(name: str) -> None:
    states: dict[str, tuple[State, ...]] = {
        "in neither mask": ("both_empty",),
        "in one mask only": ("prediction_empty", "reference_empty"),
        "in a study without usable prediction": ("missing",),
    }
    rows = {row["The label is"]: row[f"Policy {name}"] for row in _table("The label is")}
    assert list(rows) == list(states)
    for title, cell in rows.items():
        for state in states[title]:
            share, mm = (
                penalised(math.nan, state, POLICIES[name], kind=kind, shape=(3, 4, 12), spacing_mm=SPACING_MM)
                for kind in ("share", "distance")
            )
            far = "the image diagonal in mm" if mm == 13.0 else f"{mm:g} mm"
            assert cell == ("not scored" if math.isnan(share) else f"{share:g}, and {far}")


def _rules_row(rules: LesionRules) -> dict[str, str]:
    return {
        "--preset": rules.name,
        "Connectivity": str(rules.connectivity),
        "Growth in voxels": str(rules.dilation),
        "Ignored up to mm³": f"{rules.ignored_up_to_mm3:g}",
        "Penalty in mm": "diagonal" if rules.penalty_mm == "diagonal" else f"{rules.penalty_mm:g}",
        "No lesion at all": {"not_scored": "not scored", "perfect": "1, 0 mm, 1"}[rules.none_at_all],
        "HD95": "that of the policy" if rules.name == "default" else rules.hd_variant,
    }


def test_every_lesion_preset_has_its_row() -> None:
    assert _table("`--preset`") == [_rules_row(rules) for rules in LESION_RULES.values()]


def test_default_lesions_follow_the_variant_of_the_policy_and_those_of_a_challenge_do_not() -> None:
    for preset, rules in LESION_RULES.items():
        chosen = policy.choose_policy(lesions=preset, hd_variant="pooled").lesions.hd_variant
        assert chosen == ("pooled" if preset == "default" else rules.hd_variant)


def test_every_state_of_a_lesion_is_explained() -> None:
    block = PAGE.split("\n## Lesions\n")[1].split("```text\n")[1].split("\n\n")[0]
    assert [line.split()[0] for line in block.splitlines()] == list(get_args(LesionState))


@pytest.mark.parametrize(
    "sentence",
    [
        f"It is {policy.DEFAULT_TOLERANCE_MM:g} mm, a voxel of a usual MR",
        f"by bootstrap over patients: {bootstrap.RESAMPLES} times",
        f"**Interval of the mean.** {bootstrap.CONFIDENCE:.0%}".replace("%", " %"),
        f"`none` below {bootstrap.MIN_PATIENTS} patients",
        f"exact up to {signed_rank.EXACT_UP_TO} patients",
        f"the corrected p is below {two_models.SIGNIFICANCE:g}",
        f"up to {strata.MAX_GROUPS} of them",
        f"{policy.BRATS_PENALTY_MM} mm is that of 240 × 240 × 155 mm",
        "by {}".format(", ".join(f"`{key}`" for key, m in METRICS.items() if m.compared)).replace(
            ", `hd95", " and `hd95"
        ),
        "at most 2.5 % in each\nbinomial tail",
    ],
)
def test_a_number_in_a_sentence_is_that_of_the_code(sentence: str) -> None:
    assert sentence in PAGE


def test_the_slack_of_a_tolerance_is_a_millionth() -> None:
    assert surface.TOLERANCE_SLACK == 1e-6
    assert "(a millionth of it is allowed)" in PAGE


def test_below_six_studies_the_median_has_no_interval() -> None:
    assert math.isnan(summary.median_interval(np.arange(5.0))[0])
    assert summary.median_interval(np.arange(6.0)) == (0.0, 5.0)


# The worked example, by every program on the page.

Row = tuple[float | None, float | None, float | None, float | None]


def _example() -> tuple[np.ndarray, np.ndarray]:
    reference = np.zeros((40, 20, 20), bool)
    reference[2:12, 5:15, 5:15] = True
    prediction = reference.copy()
    prediction[32:36, 8:12, 8:12] = True
    return prediction, reference


def _medseg(variant: str) -> Row:
    found: MaskPair = compare_masks(*_example(), SPACING_MM)
    elements = HD_VARIANTS[variant].elements
    hausdorff = (found.hausdorff_mm(percentile, variant=variant) for percentile in (100.0, 95.0))
    return (*hausdorff, found.assd_mm(elements=elements), found.nsd(1.0))


def _monai(*, as_medseg: bool = False) -> Row:
    import torch
    from monai import metrics

    pair = [torch.from_numpy(mask)[None, None] for mask in _example()]
    given = {"include_background": True, "spacing": SPACING_MM}
    row = (
        metrics.compute_hausdorff_distance(*pair, **given),
        metrics.compute_hausdorff_distance(*pair, percentile=95, **given),
        metrics.compute_average_surface_distance(*pair, symmetric=as_medseg, **given),
        metrics.compute_surface_dice(*pair, [1.0], use_subvoxels=as_medseg, **given),
    )
    return tuple(float(score) for score in row)


def _medpy() -> Row:
    """As it is written there, for it is not installed: one percentile and one mean over both sides' surface voxels."""
    from scipy import ndimage

    cross = ndimage.generate_binary_structure(3, 1)
    p, r = (mask & ~ndimage.binary_erosion(mask, cross) for mask in _example())
    both = np.hstack([ndimage.distance_transform_edt(~r)[p], ndimage.distance_transform_edt(~p)[r]])
    return float(both.max()), float(np.percentile(both, 95)), float(both.mean()), None


def _surface_distance() -> Row:
    peer = pytest.importorskip("surface_distance")
    prediction, reference = _example()
    found = peer.compute_surface_distances(reference, prediction, SPACING_MM)
    hausdorff = (peer.compute_robust_hausdorff(found, percentile) for percentile in (100.0, 95.0))
    of_prediction = peer.compute_average_surface_distance(found)[1]
    return (*hausdorff, of_prediction, peer.compute_surface_dice_at_tolerance(found, 1.0))


def _simpleitk() -> Row:
    import SimpleITK

    measured = SimpleITK.HausdorffDistanceImageFilter()
    measured.Execute(*(SimpleITK.GetImageFromArray(mask.astype(np.uint8)) for mask in _example()))
    return measured.GetHausdorffDistance(), None, measured.GetAverageHausdorffDistance(), None


PROGRAMS: dict[str, Callable[[], Row]] = {
    **{f"medseg, {variant}": (lambda variant=variant: _medseg(variant)) for variant in HD_VARIANTS},
    "MONAI 1.6.1": _monai,
    "MedPy 0.5.2": _medpy,
    "surface-distance 0.1": _surface_distance,
    "SimpleITK 2.5": _simpleitk,
}


def _cells(row: Row) -> list[str]:
    digits = (2, 2, 2, 3)
    return ["–" if value is None else f"{value:.{n}f}" for value, n in zip(row, digits, strict=True)]


def test_the_example_lists_these_programs() -> None:
    assert [row["Program"] for row in _table("Program")] == list(PROGRAMS)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_gives_on_the_example_what_the_page_says(program: str) -> None:
    row = next(row for row in _table("Program") if row["Program"] == program)
    assert list(row.values())[1:] == _cells(PROGRAMS[program]())


def test_monai_asked_for_both_ways_and_areas_gives_what_the_page_says() -> None:
    cells = _cells(_monai(as_medseg=True))
    assert f"with both it gives {cells[2]} and {cells[3]}" in PAGE
    assert cells[2:] == _cells(_medseg("voxel"))[2:]


def test_of_empty_masks_other_programs_say_what_the_page_says() -> None:
    import torch
    from monai import metrics

    mask, empty = np.zeros((2, 1, 1, 6, 6, 6), np.float32)
    mask[..., 2:4, 2:4, 2:4] = 1
    for pair in ((empty, mask), (mask, empty)):
        both = [torch.from_numpy(one) for one in pair]
        assert math.isinf(metrics.compute_hausdorff_distance(*both, include_background=True))
        assert math.isinf(metrics.compute_average_surface_distance(*both, include_background=True, symmetric=True))
        assert math.isnan(metrics.compute_hausdorff_distance(*both, include_background=True, percentile=95))
    assert math.isnan(metrics.compute_dice(*both, include_background=True))
    assert "MONAI gives HD and ASSD inf, HD95 nan, and Dice nan if the reference is empty" in PAGE


def test_every_section_that_is_named_is_there() -> None:
    titles = {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in re.findall(r"^#+ (.*)$", PAGE, re.M)}
    assert set(re.findall(r"\]\(#([^)]+)\)", PAGE)) <= titles
