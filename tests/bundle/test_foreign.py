import subprocess
import sys
from typing import Any

import pytest

from medseg.bundle.foreign import Evaluation, evaluations, hidden_faults, names_in_short, needed, refuse_foreign
from medseg.core.errors import BundleError


@pytest.fixture
def zoo(inference: dict[str, Any]) -> dict[str, Any]:
    """A config whose parts evaluate nothing, in the zoo's short names."""
    for part in ("preprocessing", "postprocessing"):
        for step in [inference[part], *inference[part]["transforms"]]:
            step["_target_"] = step["_target_"].rsplit(".", 1)[-1]
    inference["postprocessing"]["transforms"][-1]["output_dir"] = "$__import__('os').system('true')"
    return inference


def _told(config: dict[str, Any]) -> dict[str, str]:
    return {one.path: one.text for one in evaluations(config)}


def test_short_names_of_known_classes_evaluate_nothing(zoo: dict[str, Any]) -> None:
    assert names_in_short(zoo)
    assert _told(zoo) == {}  # SaveImaged is never built, so its folder is never evaluated


def test_an_expression_is_told_with_its_path(zoo: dict[str, Any]) -> None:
    zoo["inferer"]["overlap"] = "$0.25 * 2"
    assert evaluations(zoo) == [Evaluation("inferer.overlap", "$0.25 * 2")]


def test_what_a_part_refers_to_is_told_however_far_away_and_nothing_else(zoo: dict[str, Any]) -> None:
    zoo["inferer"]["roi_size"] = "@sizes#window"
    zoo["sizes"] = {"window": "$[@side] * 3"}
    zoo["side"] = "$int('16')"
    zoo["run"] = ["$@evaluator.run()"]
    assert _told(zoo) == {"sizes.window": "$[@side] * 3", "side": "$int('16')"}
    assert "run" not in needed(zoo)
    assert "device" not in needed(zoo)


@pytest.mark.parametrize("reference", ["@::::side", "%side", "%::::side", "$@::::side + 0", "@##side", "%##side"])
def test_relative_references_and_copies_are_followed(zoo: dict[str, Any], reference: str) -> None:
    zoo["inferer"]["overlap"] = reference
    zoo["side"] = "$0.5"
    assert _told(zoo)["side"] == "$0.5"


def test_every_import_is_told_wherever_it_stands(zoo: dict[str, Any]) -> None:
    zoo["imports"] = ["$import glob", "$from os import path"]
    zoo["handlers"] = [{"name": "$import scripts.evil"}, "$1 + 'import'", "import this"]
    assert _told(zoo) == {
        "imports.0": "$import glob",
        "imports.1": "$from os import path",
        "handlers.0.name": "$import scripts.evil",
    }


@pytest.mark.parametrize(
    ("part", "target"),
    [
        ("network_def", "scripts.net.Net"),
        ("network_def", "run"),
        ("network_def", "os.system"),
        ("inferer", "monai.bundle.run"),
    ],
)
def test_a_target_outside_the_list_is_told(zoo: dict[str, Any], part: str, target: str) -> None:
    zoo[part]["_target_"] = target
    assert _told(zoo) == {f"{part}._target_": target}


def test_a_transform_that_runs_what_it_is_given_is_told_with_what_that_is(zoo: dict[str, Any]) -> None:
    zoo["postprocessing"]["transforms"].insert(3, {"_target_": "Lambdad", "keys": "pred", "func": "$lambda x: x"})
    assert _told(zoo) == {
        "postprocessing.transforms.3._target_": "Lambdad",
        "postprocessing.transforms.3.func": "$lambda x: x",
    }


def test_the_path_of_the_weights_is_told(zoo: dict[str, Any]) -> None:
    zoo["folder"] = "$str('models')"
    zoo["handlers"] = [{"_target_": "CheckpointLoader", "load_path": "$@folder + '/model.pt'"}]
    assert _told(zoo) == {"folder": "$str('models')", "handlers.0.load_path": "$@folder + '/model.pt'"}


@pytest.mark.parametrize("text", ["%other.json::x", "%other.YAML#x", "%/etc/a.yml"])
def test_copying_from_another_file_would_hide_code(zoo: dict[str, Any], text: str) -> None:
    assert hidden_faults(zoo) == []
    zoo["inferer"]["overlap"] = text
    (fault,) = hidden_faults(zoo)
    assert fault.startswith(f"inferer.overlap: {text} copies from another file")


@pytest.mark.parametrize("target", ["@name", "$print", "%name", 3, ["os.system"]])
def test_a_target_that_comes_from_elsewhere_would_hide_what_it_is(zoo: dict[str, Any], target: Any) -> None:
    zoo["network_def"]["_target_"] = target
    zoo["name"] = "os.system"
    assert any("is no name of a class" in fault for fault in hidden_faults(zoo))


def test_signs_that_move_the_cursor_hide_or_turn_text_are_escaped() -> None:
    assert Evaluation("a.\x1b", "$\x08").line == r"a.\x1b: $\x08"


def test_a_stock_bundle_is_refused_with_the_list_and_the_option(zoo: dict[str, Any]) -> None:
    zoo["inferer"]["overlap"] = "$0.5\n"
    with pytest.raises(BundleError) as caught:
        refuse_foreign("Bundle 'x' in /x", "inference.json", zoo)
    first, *lines, last = str(caught.value).splitlines()
    assert first.startswith("Bundle 'x' in /x is a stock bundle")
    assert lines == [r"  configs/inference.json: inferer.overlap: $0.5\n"]
    assert last.endswith("run it with --trust.")


def test_a_stock_bundle_of_known_classes_alone_is_refused_for_its_names(zoo: dict[str, Any]) -> None:
    with pytest.raises(BundleError, match=r"(?s)nothing.*with --trust"):
        refuse_foreign("Bundle 'x'", "inference.json", zoo, only_in_short=True)


def test_a_bundle_of_medseg_s_own_with_a_fault_is_no_stock_bundle(inference: dict[str, Any]) -> None:
    inference["imports"] = ["$import glob"]
    inference["handlers"] = [{"_target_": "CheckpointLoader", "load_path": "$glob"}]
    refuse_foreign("Bundle 'x'", "inference.yaml", inference)
    inference["inferer"]["overlap"] = "$0.5"
    refuse_foreign("Bundle 'x'", "inference.yaml", inference, only_in_short=True)
    with pytest.raises(BundleError, match="stock bundle"):
        refuse_foreign("Bundle 'x'", "inference.yaml", inference)


def test_a_value_that_holds_itself_ends_nothing(zoo: dict[str, Any]) -> None:
    zoo["inferer"]["overlap"] = zoo["inferer"]
    refuse_foreign("Bundle 'x'", "inference.yaml", zoo)


def test_an_import_too_deep_for_python_is_no_import(zoo: dict[str, Any]) -> None:
    zoo["imports"] = ["$import " + "(" * 5000]
    assert evaluations(zoo) == []


def test_telling_what_would_be_evaluated_imports_neither_torch_nor_monai() -> None:
    code = "import sys, medseg.bundle.foreign, medseg.bundle.read; assert not {'torch', 'monai'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0
