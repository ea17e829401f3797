"""The presets of lesion rules, and what may not be asked of them."""

import pytest

from medseg.core.errors import ConfigError
from medseg.metrics.lesion_rules import LESION_RULES, LesionRules


def test_the_challenge_of_2023_has_five_tasks() -> None:
    rows = {name.removeprefix("brats2023-"): (r.dilation, r.ignored_up_to_mm3) for name, r in LESION_RULES.items()}
    assert rows == {
        "default": (0, 0.0),
        "gli": (3, 50.0),
        "ssa": (3, 50.0),
        "ped": (3, 50.0),
        "men": (1, 50.0),
        "met": (1, 2.0),
    }


@pytest.mark.parametrize("rules", LESION_RULES.values(), ids=LESION_RULES)
def test_the_words_of_a_preset_hold_its_numbers(rules: LesionRules) -> None:
    words = " ".join(rules.in_words())
    assert rules.name in words
    assert (f"by {rules.dilation} voxel" in words) == bool(rules.dilation)
    assert (f"{rules.ignored_up_to_mm3:g} mm³" in words) == bool(rules.ignored_up_to_mm3)
    assert ("374 mm" in words) == rules.name.startswith("brats")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"connectivity": 8}, "connectivity is 8"),
        ({"hd_variant": "mean"}, "choose voxel, pooled, area"),
        ({"dilation": -1}, "none may be negative"),
        ({"penalty_mm": float("nan")}, "none may be negative"),
    ],
)
def test_rules_that_cannot_be_meant_are_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        LesionRules("mine", **changes)
