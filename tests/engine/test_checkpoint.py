import os
import pickle
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from medseg.core.errors import FileError, OutputError
from medseg.engine.checkpoint import load_checkpoint, random_state, restore_random_state, save_checkpoint

# Each file of 50 MB holds one number throughout, so that a torn one would show. Torch is imported once; for each
# line on stdin a child is forked that saves until it is killed.
SAVE_FOREVER = """
import os, sys, torch
from pathlib import Path
from medseg.engine.checkpoint import save_checkpoint
for line in sys.stdin:
    child = os.fork()
    number = int(line)
    while child == 0:
        number += 1
        save_checkpoint(Path(sys.argv[1]), {"number": number, "weights": torch.full((12_500_000,), float(number))})
    print(child, flush=True)
    os.waitpid(child, 0)
"""


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    state = {"w": torch.randn(3, 4), "n": 3, "f": 0.1, "none": None, "list": [1, "a"], "nested": {"t": (1, 2)}}
    save_checkpoint(tmp_path / "new" / "last.pt", state)
    loaded = load_checkpoint(tmp_path / "new" / "last.pt")
    assert torch.equal(loaded.pop("w"), state.pop("w"))
    assert loaded == state


def test_the_state_of_a_training_needs_no_code_to_load(tmp_path: Path, tiny: SimpleNamespace) -> None:
    training = tiny.training(epochs=1)
    training.run()
    save_checkpoint(tmp_path / "last.pt", training.state())
    torch.load(tmp_path / "last.pt", weights_only=True)  # refuses anything but tensors and plain values


def test_code_in_a_checkpoint_is_never_run(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harm"),)

    torch.save({"w": Harm()}, tmp_path / "bad.pt")
    with pytest.raises(FileError, match=r"bad\.pt' cannot be read"):
        load_checkpoint(tmp_path / "bad.pt")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "pickle", "flipped"])
def test_a_damaged_file_is_refused_by_name(damage: str, tmp_path: Path) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"w": torch.randn(1000)})
    content = path.read_bytes()
    broken = {
        "cut": content[: len(content) // 2],
        "empty": b"",
        "text": b"not a checkpoint\n",
        "pickle": pickle.dumps({"w": 1})[:-3],
        "flipped": content[:100] + b"\0" * 400 + content[500:],
    }
    path.write_bytes(broken[damage])
    with pytest.raises(FileError, match=r"Checkpoint '.*last\.pt'"):
        load_checkpoint(path)


def test_an_absent_file_and_another_value_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="No checkpoint"):
        load_checkpoint(tmp_path / "none.pt")
    torch.save([1, 2], tmp_path / "list.pt")
    with pytest.raises(FileError, match="holds list, not a training state"):
        load_checkpoint(tmp_path / "list.pt")


def test_a_full_disk_leaves_the_former_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "last.pt"
    save_checkpoint(path, {"n": 1})

    def full(*_: object) -> None:
        raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0\nmore")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OutputError, match=r"last\.pt': .*enforce fail"):
        save_checkpoint(path, {"n": 2})
    monkeypatch.undo()
    assert load_checkpoint(path) == {"n": 1}
    assert os.listdir(tmp_path) == ["last.pt"]


def test_draws_go_on_where_the_state_was_taken() -> None:
    state = random_state(torch.device("cpu"))
    first = torch.rand(5)
    restore_random_state(state, torch.device("cpu"))
    assert torch.equal(torch.rand(5), first)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX signal")
def test_kill_9_at_any_moment_leaves_the_former_or_the_new_file(tmp_path: Path) -> None:
    path, moments, torn = tmp_path / "last.pt", random.Random(0), 0
    words = [sys.executable, "-c", SAVE_FOREVER, str(path)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # a forked child has none of its parent's threads
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment
    ) as saver:
        assert saver.stdin is not None
        assert saver.stdout is not None
        for round_ in range(10):
            saver.stdin.write(f"{round_ * 1000}\n")
            child = int(saver.stdout.readline())
            while not path.exists():
                time.sleep(0.01)
            time.sleep(moments.uniform(0.0, 0.4))
            os.kill(child, signal.SIGKILL)
            state = load_checkpoint(path)
            assert bool((state["weights"] == state["number"]).all())
            torn = len(list(tmp_path.glob(".tmp-*")))
        saver.stdin.close()
    assert torn > 0, "at least one kill came in mid-write"
