import json
from pathlib import Path
from typing import Any

import pytest

from medseg.bundle.contents import contents_of
from medseg.bundle.inspection import Inspection, inspection_of
from medseg.bundle.inspection_words import json_of, lines_of


@pytest.fixture
def foreign(write_bundle: Any, inference: dict[str, Any], metadata: dict[str, Any]) -> Inspection:
    """A bundle with expressions, of a stranger who writes escapes."""
    inference["inferer"]["device"] = "$torch.device('cpu')"
    inference["long"] = "$" + "x" * 5000
    metadata["task"] = "\x1b[2J\u202egood\nWhat medseg would do\n  build it"
    root: Path = write_bundle(inference=inference, metadata=metadata)
    (root / "a\x1b[31m.py").write_text("")
    return inspection_of(contents_of(root))


def test_nothing_of_a_stranger_reaches_the_terminal_or_makes_a_line(foreign: Inspection) -> None:
    lines = lines_of(foreign)
    assert all(line.isprintable() for line in lines)
    assert lines.count("What medseg would do") == 1
    assert lines.count("  build it") == 0


def test_what_would_be_evaluated_is_marked_and_stands_first(foreign: Inspection) -> None:
    lines = lines_of(foreign)
    start = next(n for n, line in enumerate(lines) if "expressions to evaluate" in line)
    assert lines[start + 1].startswith("  * configs/inference.yaml: inferer.device  $torch.device('cpu')")
    assert all(not line.startswith("  * ") for line in lines[start + 2 : start + 4])
    assert any("with --trust: have MONAI evaluate the 1 text marked *" in line for line in lines)


def test_a_long_expression_is_cut_in_the_lines_and_whole_in_json(foreign: Inspection) -> None:
    assert any("… (5001 characters; --json shows all)" in line for line in lines_of(foreign))
    assert any(one["text"] == "$" + "x" * 5000 for one in json_of(foreign)["expressions"])


def test_json_says_all_and_is_plain_ascii_once_written(foreign: Inspection) -> None:
    values = json_of(foreign)
    assert json.dumps(values).isprintable()
    assert values["medseg"]["builds"] is False
    assert values["medseg"]["trust_evaluates"] == [{"path": "inferer.device", "text": "$torch.device('cpu')"}]
    assert values["seal"]["state"] == "none"
    assert values["card"]["task"].startswith("\x1b")


def test_a_bundle_of_medseg_is_built_without_evaluating_anything(write_bundle: Any) -> None:
    lines = lines_of(inspection_of(contents_of(write_bundle())))
    assert "  build configs/inference.yaml without evaluating anything" in lines
    assert "  find no weights: models/model.pt is not in the bundle" in lines


def test_a_list_without_end_is_cut(write_bundle: Any, inference: dict[str, Any]) -> None:
    inference["many"] = [f"${n}" for n in range(5000)]
    lines = lines_of(inspection_of(contents_of(write_bundle(inference=inference))))
    assert len(lines) < 400
    assert any("more lines; --json shows all" in line for line in lines)
