from collections.abc import Callable
from dataclasses import replace

import pytest

from medseg.core.errors import UsageError
from medseg.planning.fingerprint import Fingerprint
from medseg.planning.naming import REGIONS
from medseg.planning.plan import Plan

Print = Callable[..., Fingerprint]
Planned = Callable[..., Plan]


def test_a_plan_names_what_the_data_names(planned: Planned, fingerprint: Print) -> None:
    plan = planned(fingerprint(channels=("T1w",), labels={4: "tail part", 2: "head"}))
    assert plan.values == (2, 4)
    assert [one.name for one in plan.labels] == ["head", "tail_part"]
    assert plan.labels[1].aliases == ("tail part",)
    assert plan.regions == {}


def test_labels_of_brats_are_scored_as_regions(planned: Planned, fingerprint: Print) -> None:
    plan = planned(fingerprint(labels={1: "NCR", 2: "ED", 4: "ET"}))
    assert plan.regions == REGIONS


def test_small_studies_are_planned_whole(planned: Planned) -> None:
    plan = planned()
    assert plan.shape == (36, 50, 36)
    assert plan.window == [40, 56, 40]
    assert plan.spacing_mm == (1.0, 1.0, 1.0)
    assert plan.prepared_gib == pytest.approx(30 * 36 * 50 * 36 * 5 / 2**30)


def test_the_largest_study_is_that_with_most_voxels_stored_or_prepared(planned: Planned, fingerprint: Print) -> None:
    """One study of 2 mm becomes 71 x 99 x 71 voxels; one of 0.5 mm is larger as it is stored."""
    data = fingerprint()
    coarse = planned(replace(data, spacings=((2.0, 2.0, 2.0), *data.spacings[1:])))
    more = (71 * 99 * 71 - 36 * 50 * 36) * (16 + 3 * 20) / 2**30
    assert coarse.fit.demand.study_gib == pytest.approx(planned(data).fit.demand.study_gib + more)
    fine = planned(replace(data, spacings=((0.5, 0.5, 0.5), *data.spacings[1:])))
    assert fine.fit.demand.study_gib == pytest.approx(planned(data).fit.demand.study_gib)


def test_what_is_cut_off_does_not_count(planned: Planned, fingerprint: Print) -> None:
    plan = planned(fingerprint(study={"shape": (90, 90, 90), "box": (36, 50, 36), "zero_share": 0.9}))
    assert plan.shape == (36, 50, 36)


@pytest.mark.parametrize("modality", ["unknown", "XC"])
def test_pictures_are_never_cut_whatever_their_modality(planned: Planned, fingerprint: Print, modality: str) -> None:
    masked = {"shape": (512, 512, 1), "box": (300, 300, 1), "zero_share": 0.6}
    plan = planned(fingerprint(study=masked, modality=modality, pictures=True))
    assert plan.shape == (512, 512, 1)
    assert not plan.normalisation.crop
    assert plan.normalisation.kind == "nonzero"


def test_pictures_have_a_window_of_two_axes(planned: Planned, fingerprint: Print) -> None:
    plan = planned(fingerprint(study={"shape": (256, 256, 1), "box": (256, 256, 1)}, modality="microscopy"))
    assert plan.axes == [0, 1]
    assert plan.window == [256, 256]
    assert plan.fit.patch == (256, 256, 1)


def test_equal_data_gives_equal_plans(planned: Planned) -> None:
    one, other = planned(), planned()
    assert (one.recipe, one.fit.patch, one.spacing_why) == (other.recipe, other.fit.patch, other.spacing_why)


def test_a_large_study_that_no_patch_makes_smaller_is_named(planned: Planned, fingerprint: Print) -> None:
    scan = {"shape": (512, 512, 700), "box": (512, 512, 700)}
    with pytest.raises(UsageError, match=r"segmenting the largest study, 512 x 512 x 700, needs .* Give --memory"):
        planned(fingerprint(study=scan), memory_gib=4.0)


def test_too_little_memory_is_refused_with_what_would_do(planned: Planned) -> None:
    with pytest.raises(UsageError, match=r"--memory 0.5GB is too little for any patch") as caught:
        planned(memory_gib=0.5)
    enough = float(str(caught.value).rsplit("--memory ", 1)[1].split("GB")[0])
    assert planned(memory_gib=enough).fit.demand.gib <= enough
    with pytest.raises(UsageError, match="too little"):
        planned(memory_gib=enough - 0.11)
