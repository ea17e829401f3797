"""One bar on a terminal, plain lines elsewhere, nothing on other ranks."""

import contextlib
import fcntl
import io
import math
import os
import pty
import re
import struct
import termios

import pytest

from medseg.runs.progress import Progress, format_fields, format_seconds


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_elsewhere_a_plain_line_comes_now_and_then_and_at_the_end() -> None:
    clock, stream = Clock(), io.StringIO()
    with Progress(100, "Training", stream=stream, every_s=30.0, clock=clock) as progress:
        for step in range(1, 101):
            clock.now = float(step)
            progress.advance(1, epoch=f"{1 + step // 50}/2", loss=1 / step, dice={"WT": 0.5, "TC": math.nan})
    lines = stream.getvalue().splitlines()
    assert [line.split(",")[0] for line in lines] == [
        *("Training 30/100", "Training 60/100", "Training 90/100", "Training 100/100"),
    ]
    assert lines[0] == "Training 30/100, epoch 1/2, loss 0.0333, Dice WT 0.500 TC -, 1 min 10 s left"
    assert lines[-1].endswith("1 min 40 s so far")


def test_a_line_is_not_said_twice() -> None:
    clock, stream = Clock(), io.StringIO()
    with Progress(2, "Caching", stream=stream, every_s=1.0, clock=clock) as progress:
        clock.now = 2.0
        progress.advance(2)
    assert len(stream.getvalue().splitlines()) == 1


def test_time_left_of_a_resumed_run_counts_only_what_was_done_now() -> None:
    clock, stream = Clock(), io.StringIO()
    progress = Progress(100, "Training", stream=stream, every_s=1.0, done=90, clock=clock)
    clock.now = 10.0
    progress.advance(5)
    assert stream.getvalue() == "Training 95/100, 10 s left\n"


def test_without_a_total_it_counts() -> None:
    clock, stream = Clock(), io.StringIO()
    with Progress(None, "Reading", stream=stream, clock=clock) as progress:
        progress.advance(7)
    assert stream.getvalue() == "Reading 7, 0 s so far\n"


def test_other_ranks_are_silent() -> None:
    stream = io.StringIO()
    with Progress(1, "Training", stream=stream, rank=1) as progress:
        progress.advance(1, loss=1.0)
        progress.say("hello")
    assert stream.getvalue() == ""


def test_it_shows_on_stderr_and_leaves_stdout_to_results(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress(1, "Training") as progress:
        progress.advance(1)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("Training 1/1")


def _on_a_terminal(columns: int) -> str:
    reader, writer = pty.openpty()
    fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 24 if columns else 0, columns, 0, 0))
    with os.fdopen(writer, "w") as stream, Progress(4, "Training", stream=stream) as progress:
        for step in range(4):
            progress.advance(1, epoch=f"{step + 1}/4", loss=0.25, dice={"WT": 0.875}, epoch_seconds=3.2, memory_gib=1.5)
        progress.say("Saved.")
    shown = b""
    with contextlib.suppress(OSError):  # a terminal that nobody writes to any more ends in an error
        while part := os.read(reader, 4096):
            shown += part
    os.close(reader)
    return shown.decode()


@pytest.mark.parametrize("columns", [140, 0], ids=["a size", "no size"])
def test_a_terminal_gets_one_bar_that_moves(columns: int) -> None:
    shown = _on_a_terminal(columns)
    assert "\r" in shown
    assert "Saved." in shown
    last = re.split(r"[\r\n]+", shown.strip())[-1]
    assert "Training 100%" in last
    assert "4/4" in last
    assert "epoch 4/4, loss 0.2500, Dice WT 0.875, 3.2 s/epoch, 1.5 GiB" in last


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59.4, "59 s"), (59.6, "1 min 0 s"), (725, "12 min 5 s"), (12_000, "3 h 20 min")],
)
def test_lengths_of_time_read_well(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_other_fields_show_by_name_and_absent_ones_not_at_all() -> None:
    assert format_fields({"studies": 3, "rate": 0.123456, "note": None}) == "studies 3, rate 0.1235"
