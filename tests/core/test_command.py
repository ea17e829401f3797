import argparse
import io
import re
import subprocess
import sys

import pytest

from medseg.core.command import Parser, gib, minutes, pairs, run_command
from medseg.core.errors import DatalistError, GateError, UsageError


def make_parser() -> Parser:
    parser = Parser(prog="medseg verb")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--output")
    return parser


def run(action, *words: str) -> int:
    return run_command(make_parser, action, words)


@pytest.mark.parametrize(
    ("word", "nearest"), [("--epoch", "--epochs"), ("--ouput", "--output"), ("--epohcs=3", "--epochs")]
)
def test_a_misspelt_option_names_the_nearest(word: str, nearest: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda _: 0, word) == 2
    assert f"did you mean '{nearest}'?" in capsys.readouterr().err


def test_all_unknown_words_are_named_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda _: 0, "--zzz", "stray") == 2
    message = capsys.readouterr().err
    assert "unknown option '--zzz'" in message
    assert "'stray' is not expected here" in message


def test_what_goes_on_keeps_its_options() -> None:
    parser = make_parser()
    parser.add_argument("--resume")
    parser.refuse_beside_resume(parser.parse(["--resume", "here"]), "run")
    with pytest.raises(UsageError, match="--epochs, --output cannot stand beside --resume; the run keeps the options"):
        parser.refuse_beside_resume(parser.parse(["--resume", "here", "--output", "o", "--epochs", "2"]), "run")


def test_an_option_is_never_shortened(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda _: 0, "--epo", "3") == 2


def test_a_value_of_the_wrong_kind_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda _: 0, "--epochs", "many") == 2
    assert "many" in capsys.readouterr().err


def test_the_verb_gets_its_options_and_gives_the_exit_code() -> None:
    assert run(lambda options: options.epochs, "--epochs", "3") == 3


@pytest.mark.parametrize(("error", "code"), [(DatalistError("no studies"), 1), (GateError("Dice 0.5"), 4)])
def test_an_error_of_ours_is_one_message_without_a_traceback(
    error: Exception, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(_raising(error)) == code
    assert capsys.readouterr().err == f"medseg: {error}\n"


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(_raising(DatalistError("no studies")), "--debug") == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_surprise_names_its_kind_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(_raising(KeyError("a\nb"))) == 1
    message = capsys.readouterr().err
    assert message.startswith("medseg: Unexpected KeyError")
    assert "--debug" in message
    assert message.count("\n") == 1


def test_ctrl_c_ends_with_the_code_shells_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(_raising(KeyboardInterrupt())) == 130


def test_without_words_those_of_the_process_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["medseg", "--epochs", "7"])
    assert run_command(make_parser, lambda options: options.epochs) == 7


def _raising(error: BaseException):
    def action(_: argparse.Namespace) -> int:
        raise error

    return action


def test_pairs_are_read_and_the_same_word_may_stand_twice() -> None:
    assert pairs(["t1=7", "t2=a=b", "t1=7"], "--series") == {"t1": "7", "t2": "a=b"}
    assert pairs([], "--series") == {}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["t1"], "--series 't1': write --series KEY=VALUE"),
        (["=7"], "write --series KEY=VALUE"),
        (["t1="], "write --series KEY=VALUE"),
        (["t1=7", "t1=8"], "'t1' is given twice, as '7' and '8'; keep one"),
    ],
)
def test_a_pair_that_cannot_be_is_told_of(words: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=re.escape(says)):
        pairs(words, "--series")


def test_a_letter_the_terminal_lacks_never_ends_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(shown, encoding="ascii"))
    assert run(lambda _: print("Schädel") or 0) == 0
    sys.stdout.flush()
    assert shown.getvalue() == b"Sch\\xe4del\n"


@pytest.mark.parametrize(
    ("text", "expected"), [("90s", 1.5), ("15m", 15.0), ("2 h", 120.0), ("0.5H", 30.0), ("3", 3.0)]
)
def test_a_time_is_given_in_seconds_minutes_or_hours(text: str, expected: float) -> None:
    assert minutes(text) == pytest.approx(expected)


@pytest.mark.parametrize("text", ["soon", "0m", "-3m", "1d", "", "2h30"])
def test_what_is_no_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="is not a time; write 90s, 15m or 2h"):
        minutes(text)


@pytest.mark.parametrize(
    ("text", "size"), [("8GB", 8.0), ("8", 8.0), ("900MB", 900 / 1024), ("1.5 gib", 1.5), ("512m", 0.5)]
)
def test_a_size_is_read_in_gib(text: str, size: float) -> None:
    assert gib(text) == size


@pytest.mark.parametrize("text", ["much", "", "0", "-3GB", "8TB"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="write 8GB or 900MB"):
        gib(text)


LEAVING = """
import atexit, sys, types
from medseg.core.command import leave
atexit.register(print, "last words")
if "heavy" in sys.argv:
    sys.modules["torch"] = types.ModuleType("torch")
print("said", end="")
leave(3)
"""


@pytest.mark.parametrize("words", [[], ["heavy"]])
def test_a_command_leaves_with_its_code_and_all_that_it_said(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-c", LEAVING, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "saidlast words\n")
