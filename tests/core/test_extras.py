import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from medseg.core.errors import UsageError
from medseg.core.extras import EXTRAS, lack, missing, require

_PYPROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"
_MODULE_OF = {"cyclonedx-python-lib": "cyclonedx"}
# Of the extra "package" these are parts of the first one's interface.
_BESIDE = {"packageurl-python", "packaging"}


@pytest.mark.parametrize("extra", EXTRAS)
def test_each_extra_brings_what_is_looked_for(extra: str) -> None:
    listed = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"][extra]
    names = [re.match(r"[\w-]+", one)[0] for one in listed]  # type: ignore[index]
    assert tuple(_MODULE_OF.get(name, name) for name in names if name not in _BESIDE) == EXTRAS[extra]


def test_what_is_missing_is_told_with_all_that_bring_it(monkeypatch: pytest.MonkeyPatch) -> None:
    here = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name.startswith("onnx") else here("re"))
    told = "--quantize int8 needs onnx, onnxscript, onnxruntime: pip install 'medseg[onnx,openvino]'"
    assert lack("--quantize int8", "onnx", "openvino") == told
    with pytest.raises(UsageError, match="--export onnx needs onnx, onnxscript, onnxruntime: pip install"):
        require("--export onnx", "onnx")
    assert missing(["onnx", "openvino"]) == ["onnx"]


def test_nothing_is_told_where_all_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: object())
    assert lack("--export onnx", "onnx") == ""
    require("--export onnx", "onnx")
