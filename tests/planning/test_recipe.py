from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from medseg.core.recipe import Recipe
from medseg.planning import recipe_defaults as defaults
from medseg.planning.fingerprint import Fingerprint
from medseg.planning.measures import LabelMeasures
from medseg.planning.mirroring import Mirroring
from medseg.planning.plan import Plan
from medseg.planning.yaml_text import Row
from medseg.recipe.layers import leaves

Print = Callable[..., Fingerprint]
Planned = Callable[..., Plan]
THICK: dict[str, Any] = {"shape": (320, 320, 16), "spacing_mm": (0.5, 0.5, 5.0)}


def rows(plan: Plan) -> dict[str, Row]:
    return {f"{title}.{row.key}".lstrip("."): row for title, found in plan.recipe.items() for row in found}


def test_every_value_that_a_recipe_has_is_given_with_a_reason(planned: Planned) -> None:
    given = rows(planned())
    wanted = {key.rsplit(".", 1)[0] if key.count(".") == 2 else key for key in leaves(Recipe)}
    assert {key for key in given} == wanted
    assert [key for key, row in given.items() if not row.why] == []


def test_a_run_has_about_the_same_number_of_steps_whatever_the_data(planned: Planned, fingerprint: Print) -> None:
    for studies in (5, 40, 300):
        plan = planned(fingerprint(studies))
        given = rows(plan)
        training = studies * 0.8 * (1 - given["split.validation_share"].value)
        patches = training * given["sampling.patches_per_study"].value
        # Steps of an epoch on smaller patches, twice as many of them in each, and of one on whole ones.
        mean = 0.4 * patches / (2 * plan.fit.batch) + 0.6 * patches / plan.fit.batch
        assert given["curriculum.share"].value == 0.4
        steps = given["length.epochs"].value * mean
        assert steps == pytest.approx(defaults.STEPS, rel=0.15)


def test_a_budget_stands_in_the_recipe(planned: Planned) -> None:
    assert rows(planned(budget_min=20.0))["length.budget_min"].value == 20.0
    assert rows(planned())["length.budget_min"].value is None


def test_flips_are_those_that_the_labels_allow(planned: Planned, fingerprint: Print) -> None:
    data = replace(fingerprint(), mirroring=(Mirroring(0, True, "a yes"), Mirroring(1, False, "b no")))
    flips = rows(planned(data))["augmentation.flip_axes"]
    assert (flips.value, flips.why) == ([0], "a yes; b no")


def test_thick_slices_are_turned_by_one_slice_at_most(planned: Planned, fingerprint: Print) -> None:
    plan = planned(fingerprint(study=THICK))
    turn = rows(plan)["augmentation.rotation"]
    half_mm = max(plan.fit.patch[:2]) * 0.5 / 2
    assert turn.value["range"][1] == pytest.approx(
        57.3 * 5.0 / half_mm, rel=0.05
    )  # small angles: 1 radian is 57.3 degrees
    assert "5 mm thick" in turn.why


def test_thick_slices_limit_the_turn_also_for_a_network_that_halves_all_axes_alike(
    planned: Planned, fingerprint: Print
) -> None:
    turn = rows(planned(fingerprint(study=THICK), network="segresnet"))["augmentation.rotation"]
    assert turn.value["range"][1] < defaults.ROTATION_DEG
    assert "5 mm thick" in turn.why


@pytest.mark.parametrize("shape", [(140, 172, 137), (160, 160, 48), (34, 65, 34)])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_voxels_of_1_mm_are_no_thick_slices_however_unlike_the_sides_are(
    planned: Planned, fingerprint: Print, shape: tuple[int, ...], device: str
) -> None:
    plan = planned(fingerprint(study={"shape": shape, "box": shape}), device=device)
    turn = rows(plan)["augmentation.rotation"]
    assert turn.value["range"] == [-15.0, 15.0]
    assert not any("thick" in row.why for row in (turn, *plan.fit.network.rows))


def test_a_slide_is_turned_all_around_and_a_head_a_little(planned: Planned, fingerprint: Print) -> None:
    slide = rows(planned(fingerprint(study={"shape": (256, 256, 1)}, modality="microscopy", pictures=True)))
    assert slide["augmentation.rotation"].value["range"] == [-180.0, 180.0]
    assert rows(planned())["augmentation.rotation"].value["range"] == [-15.0, 15.0]


def test_dice_is_taken_of_each_patch_where_each_holds_every_label(
    planned: Planned, fingerprint: Print, label: Callable[..., LabelMeasures]
) -> None:
    assert rows(planned())["loss.batch_dice"].value is False
    assert rows(planned(fingerprint(study={"labels": {1: label()}})))["loss.batch_dice"].value is True
    wide = fingerprint(study={"shape": (240, 240, 155), "box": (240, 240, 155)})
    assert rows(planned(wide))["loss.batch_dice"].value is True


def test_each_network_gets_its_learning_rate_and_a_weight_for_its_output(planned: Planned) -> None:
    for network in ("unet", "dynunet", "segresnet"):
        given = rows(planned(network=network))
        assert given["loss.deep_supervision"].value == [1.0]
        assert given["optimizer.lr"].value == defaults.LEARNING_RATE[network]


def test_a_small_part_of_a_large_study_is_drawn_several_times(planned: Planned, fingerprint: Print) -> None:
    wide = planned(fingerprint(300, study={"shape": (240, 240, 155), "box": (240, 240, 155)}))
    given = rows(wide)
    assert 1 < given["sampling.patches_per_study"].value <= defaults.MOST_PATCHES_PER_STUDY
    assert "smaller than the study to stay within memory" in given["sampling.patch"].why
    assert rows(planned(fingerprint(300)))["sampling.patches_per_study"].value == 1


def test_a_batch_that_was_made_smaller_is_no_smaller_patch(planned: Planned, fingerprint: Print) -> None:
    """56 voxels a side cost a step of two patches more than a CPU should do; one patch is the whole study."""
    plan = planned(fingerprint(study={"shape": (56, 56, 56), "box": (56, 56, 56)}))
    given = rows(plan)
    assert (plan.fit.patch, plan.fit.batch) == ((56, 56, 56), 1)
    assert given["sampling.patch"].why.endswith("a patch covers it whole; multiples of 8")
    assert given["sampling.batch"].why.endswith("GFLOP: not 2, to stay within memory and time of a step")
    assert rows(planned())["sampling.batch"].why.endswith("small, so that there are many steps")


def test_a_3d_run_opens_on_patches_of_half_the_sides(planned: Planned, fingerprint: Print) -> None:
    plan = planned(fingerprint(30))
    given = rows(plan)
    halves = [-(-side // 2) for side in plan.fit.patch]
    patch, units = given["curriculum.patch"].value, plan.fit.network.divisor
    assert given["curriculum.share"].value == defaults.CURRICULUM_SHARE
    assert all(half <= side < half + unit for half, side, unit in zip(halves, patch, units, strict=True))
    assert not any(side % unit for side, unit in zip(patch, units, strict=True))
    assert given["curriculum.batch"].value == 2 * plan.fit.batch


def test_an_epoch_runs_over_studies_of_which_a_patient_may_have_several(planned: Planned, fingerprint: Print) -> None:
    five_each = replace(fingerprint(100), patients=20)
    row = rows(planned(five_each))["length.epochs"]
    assert "65 training studies" in row.why  # of 20 patients 4 are held out and 3 of 16 validate


@pytest.mark.parametrize(("patients", "training"), [(3, 1), (4, 2), (6, 3), (11, 6)])
def test_few_patients_are_counted_as_the_training_will_split_them(
    planned: Planned, fingerprint: Print, patients: int, training: int
) -> None:
    given = rows(planned(fingerprint(patients)))
    assert f"epoch of {training} training studies" in given["length.epochs"].why
    assert given["sampling.patches_per_study"].value == -(-defaults.FEWEST_PATCHES // training)
