import subprocess
import sys

import pytest

from medseg.engine.openvino import compiler

pytest.importorskip("openvino")

# A process of its own: where this fails, it ends with a segmentation fault.
SIGNALLED = """
import gc, os, signal

import torch

from medseg.engine.runtimes import run_with

signal.signal(signal.SIGTERM, lambda *_: print("heard"))
ready = [run_with("openvino", torch.nn.Conv3d(1, n, 1).eval(), (1, 1, 8, 8, 8), "fp32") for n in (1, 2)]
for run in ready:
    run(torch.zeros(1, 1, 8, 8, 8))
while ready:
    run = None
    del ready[0]
    gc.collect()
os.kill(os.getpid(), signal.SIGTERM)
"""


def test_a_signal_is_heard_after_networks_have_gone_in_the_order_they_came() -> None:
    done = subprocess.run([sys.executable, "-c", SIGNALLED], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "heard\n"), done.stderr[-2000:]


def test_there_is_one_compiler() -> None:
    assert compiler() is compiler()
