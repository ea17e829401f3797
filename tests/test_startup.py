"""What a command costs before it does anything: processor time, and modules that only work needs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from medseg.cli import VERBS

CHECKOUT = Path(__file__).resolve().parents[1]
LIMIT_S = 0.7
HEAVY = {"torch", "monai", "mlflow", "matplotlib", "nibabel", "scipy", "SimpleITK", "pydicom", "pandas"}
# Runs a command as `python -m` does and tells its processor time and what it imported.
PROBE = """
import json, resource, runpy, sys
sys.argv = sys.argv[1:]
module = sys.argv[0]
try:
    runpy.run_module(module, run_name="__main__", alter_sys=True)
    code = 0
except SystemExit as end:
    code = end.code
used = resource.getrusage(resource.RUSAGE_SELF)
heads = sorted({name.partition(".")[0] for name in sys.modules})
print("\\n" + json.dumps({"code": code, "cpu_s": used.ru_utime + used.ru_stime, "modules": heads}))
"""
TRAIN = ["medseg.train", "--bundle", "brats_unet3d"]
COMMANDS = {
    "help": (["medseg", "--help"], 0),
    "version": (["medseg", "--version"], 0),
    "unknown verb": (["medseg", "trian"], 2),
    **{f"{verb} help": (["medseg", verb, "--help"], 0) for verb in VERBS},
    **{f"{verb} module help": ([module, "--help"], 0) for verb, (module, _) in VERBS.items()},
    **{f"{verb} wrong option": (["medseg", verb, "--bogus"], 2) for verb in VERBS},
    "misspelt option": ([*TRAIN, "--epoch", "3"], 2),
    "misspelt setting": ([*TRAIN, "--set", "optimzer.lr=1"], 2),
    "unfit setting": ([*TRAIN, "--set", "optimizer.lr=-1"], 1),
    "unknown bundle": (["medseg.train", "--bundle", "brats_unet"], 1),
    "absent data": ([*TRAIN, "--data", "no/such/folder"], 1),
    "print config": ([*TRAIN, "--print-config"], 0),
    "infer without weights": (["medseg.infer", "--bundle", "brats_segresnet", "--input", "a", "--output", "b"], 1),
}


def probe(words: list[str]) -> tuple[dict, str]:
    command = [sys.executable, "-c", PROBE, *words]
    environment = os.environ | {"PYTHONPATH": str(CHECKOUT), "MEDSEG_BUNDLES": str(CHECKOUT / "bundles")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


@pytest.mark.parametrize("name", COMMANDS)
def test_an_answer_without_work_is_quick_and_imports_nothing_heavy(name: str) -> None:
    words, code = COMMANDS[name]
    facts, message = probe(words)
    assert facts["code"] == code, message
    assert HEAVY.isdisjoint(facts["modules"])
    best_s = facts["cpu_s"]
    for _ in range(2):  # a busy machine makes single measurements long
        best_s = best_s if best_s < LIMIT_S else min(best_s, probe(words)[0]["cpu_s"])
    assert best_s < LIMIT_S


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["medseg", "trian"], "did you mean 'train'?"),
        ([*TRAIN, "--epoch", "3"], "unknown option '--epoch'; did you mean '--epochs'?"),
        ([*TRAIN, "--budgt=3m"], "did you mean '--budget'?"),
        ([*TRAIN, "--set", "optimzer.lr=1"], "optimzer.lr: unknown key; did you mean 'optimizer.lr'?"),
        ([*TRAIN, "--set", "lr=1"], "did you mean 'optimizer.lr'?"),
        (["medseg.train", "--bundle", "brats_unet"], "Did you mean 'brats_unet3d'?"),
        (["medseg.infer", "--bundle", "x", "--inptu", "a"], "--input"),
        (["medseg.check", "--bundel", "x"], "--bundle"),
    ],
)
def test_a_misspelt_word_is_answered_with_the_nearest(words: list[str], hint: str) -> None:
    _, message = probe(words)
    assert hint in message
    assert "Traceback" not in message
