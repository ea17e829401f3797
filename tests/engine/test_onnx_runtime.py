import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

FLOW = """
import sys
from pathlib import Path

import numpy as np
import torch

from medseg.engine.export import ToExport, noise, write_export
from medseg.engine.exported import exported_network
from medseg.engine.quantize import quantize

folder = Path(sys.argv[1])
convs = [torch.nn.Conv3d(*pair, 1) for pair in ((1, 4), (4, 4), (4, 2))]
write_export("onnx", ToExport(torch.nn.Sequential(*convs).eval(), 1, ((4, 4, 4), (6, 6, 6))), folder / "a.onnx")
exported_network("onnx", folder / "a.onnx")(torch.zeros(1, 1, 4, 4, 4))
quantize(folder / "a.onnx", [noise((1, 1, 4, 4, 4)).numpy()], folder / "b.onnx")
print("onnxruntime" in sys.modules)
"""


def test_it_keeps_nothing_of_this_machine_and_sends_nothing(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "work")}
    for folder in folders.values():
        folder.mkdir()
    environment = os.environ | {name: str(path) for name, path in folders.items() if name != "work"}
    environment.pop("ORT_DISABLE_TELEMETRY", None)
    command = [sys.executable, "-c", FLOW, str(folders["work"])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "True\n"), done.stderr[-2000:]
    left = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert sorted(map(str, left)) == ["work/a.onnx", "work/b.onnx"]
