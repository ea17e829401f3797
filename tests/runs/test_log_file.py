"""log.txt gets what medseg says, with the time in UTC."""

import logging
import re
from pathlib import Path

import pytest

from medseg.core.errors import OutputError
from medseg.runs.log_file import attach_log, detach_log


@pytest.fixture(autouse=True)
def _level() -> None:
    logging.getLogger("medseg").setLevel(logging.NOTSET)


def test_lines_of_every_module_are_kept_until_detached(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    handler = attach_log(path)
    logging.getLogger("medseg.engine.training").info("epoch %d", 3)
    logging.getLogger("medseg.runs").debug("not this")
    logging.getLogger("other").error("nor this")
    detach_log(handler)
    logging.getLogger("medseg").warning("too late")
    (line,) = path.read_text().splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO    epoch 3", line)


def test_a_resumed_run_goes_on_in_the_same_file(tmp_path: Path) -> None:
    for word in ("first", "second"):
        handler = attach_log(tmp_path / "log.txt")
        logging.getLogger("medseg").info(word)
        detach_log(handler)
    assert [line.split()[-1] for line in (tmp_path / "log.txt").read_text().splitlines()] == ["first", "second"]


def test_the_time_is_utc_wherever_the_machine_stands(tmp_path: Path) -> None:
    handler = attach_log(tmp_path / "log.txt")
    record = logging.LogRecord("medseg", logging.INFO, "", 0, "x", None, None)
    record.created = 0.0
    assert handler.format(record).startswith("1970-01-01T00:00:00Z")
    detach_log(handler)


def test_a_full_disk_is_silent_here(capsys: pytest.CaptureFixture[str]) -> None:
    handler = attach_log(Path("/dev/full"))
    logging.getLogger("medseg").info("nobody hears this")
    logging.getLogger("medseg").removeHandler(handler)
    assert capsys.readouterr().err == ""


def test_a_place_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="Is a directory"):
        attach_log(tmp_path)
