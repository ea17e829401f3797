"""What is scored where a mask is empty or a prediction absent."""

import math
import pickle
from dataclasses import FrozenInstanceError, replace
from typing import get_args

import pytest

from medseg.core.errors import ConfigError, DatalistError
from medseg.metrics.hausdorff_variants import HD_VARIANTS, HdVariant
from medseg.metrics.lesion_rules import LESION_RULES
from medseg.metrics.policy import (
    POLICIES,
    MetricPolicy,
    State,
    choose_policy,
    penalised,
    refuse_other_policy,
    state_of,
)

GRID = {"shape": (3, 4, 12), "spacing_mm": (1.0, 1.0, 1.0)}  # a diagonal of 13 mm


def test_the_state_follows_from_which_mask_is_empty() -> None:
    assert state_of(prediction_empty=False, reference_empty=False) == "scored"
    assert state_of(prediction_empty=True, reference_empty=False) == "prediction_empty"
    assert state_of(prediction_empty=False, reference_empty=True) == "reference_empty"
    assert state_of(prediction_empty=True, reference_empty=True) == "both_empty"


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
@pytest.mark.parametrize("state", ["prediction_empty", "reference_empty", "missing"])
def test_one_empty_mask_or_a_failure_gets_the_worst_score(policy: MetricPolicy, state: str) -> None:
    worst = {"default": 13.0, "brats": 373.13}[policy.name]
    for raw in (0.0, math.inf, math.nan):
        assert penalised(raw, state, policy, kind="share", **GRID) == 0.0
        assert penalised(raw, state, policy, kind="distance", **GRID) == worst


def test_two_empty_masks_are_not_scored_by_default_and_perfect_in_brats() -> None:
    default, brats = POLICIES["default"], POLICIES["brats"]
    assert math.isnan(penalised(math.nan, "both_empty", default, kind="share", **GRID))
    assert math.isnan(penalised(math.nan, "both_empty", default, kind="distance", **GRID))
    assert penalised(math.nan, "both_empty", brats, kind="share", **GRID) == 1.0
    assert penalised(math.nan, "both_empty", brats, kind="distance", **GRID) == 0.0


@pytest.mark.parametrize("policy", POLICIES.values(), ids=POLICIES)
def test_what_is_scored_and_what_is_only_measured_stays_as_it_is(policy: MetricPolicy) -> None:
    assert penalised(0.7, "scored", policy, kind="share", **GRID) == 0.7
    assert penalised(2.5, "scored", policy, kind="distance", **GRID) == 2.5
    for state in get_args(State):
        assert penalised(4.5, state, policy, kind="measure", **GRID) == 4.5


def test_the_diagonal_counts_voxel_edges_in_mm() -> None:
    assert POLICIES["default"].penalty_mm((240, 240, 155), (1.0, 1.0, 1.0)) == pytest.approx(373.1287, abs=1e-4)
    assert POLICIES["default"].penalty_mm((30, 8), (0.1, 0.5)) == 5.0


def test_equal_rules_have_equal_digests_and_other_ones_do_not() -> None:
    assert choose_policy("default", tolerance_mm={"A": 2, "B": 3}).digest == (
        choose_policy("default", tolerance_mm={"B": 3.0, "A": 2.0}).digest
    )
    base = POLICIES["default"]
    others = [
        base,
        replace(base, both_empty="perfect"),
        replace(base, one_empty_mm=373.13),
        replace(base, hd_variant="pooled"),
        replace(base, nsd_weighting="voxel"),
        replace(base, tolerance_mm={"A": 2.0}),
        replace(base, default_tolerance_mm=2.0),
        *(replace(base, lesions=rules) for name, rules in LESION_RULES.items() if name != "default"),
    ]
    assert len({policy.digest for policy in others}) == len(others)


def test_a_policy_travels_to_other_processes_and_is_not_changed_on_the_way() -> None:
    policy = choose_policy("brats", tolerance_mm={"ET": 0.5})
    assert pickle.loads(pickle.dumps(policy)).digest == policy.digest
    with pytest.raises(FrozenInstanceError):
        policy.name = "other"


def test_a_preset_unchanged_keeps_its_name_and_a_changed_one_says_so() -> None:
    assert choose_policy("brats") == POLICIES["brats"]
    assert choose_policy("default", hd_variant="voxel", tolerance_mm={"A": 1.0}) == POLICIES["default"]
    assert choose_policy("default", tolerance_mm={"A": 2.0}).name == "default+"


def test_lesions_by_the_default_rules_follow_the_variant_and_a_challenge_keeps_its_own() -> None:
    assert choose_policy("default", hd_variant="pooled").lesions.hd_variant == "pooled"
    chosen = choose_policy("default", hd_variant="pooled", lesions="brats2023-met")
    assert (chosen.hd_variant, chosen.lesions) == ("pooled", LESION_RULES["brats2023-met"])


def test_a_tolerance_holds_for_its_name_and_the_default_for_the_others() -> None:
    policy = choose_policy("default", tolerance_mm={"ET": 0.5})
    assert (policy.tolerance_of("ET"), policy.tolerance_of("WT")) == (0.5, 1.0)


def test_the_words_name_every_rule() -> None:
    default, brats = (" ".join(POLICIES[name].in_words()) for name in ("default", "brats"))
    assert "is not scored; absent from one of them it scores 0, and its distances are the image diagonal" in default
    assert "scores 1, and 0 mm; absent from one of them it scores 0, and its distances are 373.13 mm" in brats
    assert "tolerance 1 mm, ET 0.5 mm" in " ".join(choose_policy(tolerance_mm={"ET": 0.5}).in_words())
    assert "every label of the study scores as missed" in default
    assert "ASSD is over the same surface elements." in default
    assert all(sentence.endswith(".") for policy in POLICIES.values() for sentence in policy.in_words())


@pytest.mark.parametrize("variant", HD_VARIANTS)
def test_the_hausdorff_distance_of_masks_and_of_lesions_is_told_in_the_same_words(variant: HdVariant) -> None:
    said = choose_policy(hd_variant=variant).in_words()
    (of_masks,) = (words for words in said if words.startswith("Hausdorff distance: "))
    (of_lesions,) = (words for words in said if words.startswith("HD95 of a lesion: "))
    definition = of_lesions.removeprefix("HD95 of a lesion: ")
    assert of_masks.startswith(f"Hausdorff distance: {definition}")
    assert ("both directions together" in definition) == HD_VARIANTS[variant].pooled
    assert ("surface area" in definition) == (HD_VARIANTS[variant].elements == "area")


@pytest.mark.parametrize("key", ["name", "lesions"])
def test_an_unknown_preset_is_told_with_those_that_are_known(key: str) -> None:
    with pytest.raises(ConfigError, match="'fancy' is unknown; choose default, brats"):
        choose_policy(**{key: "fancy"})


def test_every_fault_of_a_policy_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        MetricPolicy("mine", both_empty="half", one_empty_mm=-1.0, tolerance_mm={"A": math.nan})
    assert [line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:]] == [
        "both_empty",
        "tolerance_mm.A",
        "one_empty_mm",
    ]


@pytest.mark.parametrize("damaged", [None, "default", ["default"], 3])
def test_a_policy_that_is_no_table_of_rules_is_refused_in_one_line(damaged: object) -> None:
    for pair in ((POLICIES["default"].values(), damaged), (damaged, POLICIES["default"].values())):
        with pytest.raises(DatalistError, match="is no table of rules; evaluate that one again") as caught:
            refuse_other_policy(*pair)
        assert "\n" not in str(caught.value)


def test_rules_of_which_a_part_is_no_table_differ_and_are_named() -> None:
    ours = POLICIES["default"].values()
    with pytest.raises(DatalistError, match=r"lesions\.connectivity: 26 here, not set there"):
        refuse_other_policy(ours, ours | {"lesions": None})


def test_other_rules_refuse_to_be_compared_and_the_difference_is_named() -> None:
    ours, theirs = POLICIES["default"].values(), choose_policy("default", lesions="brats2023-met").values()
    refuse_other_policy(ours, POLICIES["default"].values())
    with pytest.raises(DatalistError, match=r"lesions\.dilation: 0 here, 1 there"):
        refuse_other_policy(ours, theirs)
