"""log.txt: what medseg said during a run, with the time in UTC."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from medseg.core.errors import OutputError

LOGGER = "medseg"


class _LogFile(logging.FileHandler):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Stay silent: a full disk stops the checkpoint with one clear error; the log adds nothing to it."""


def attach_log(path: Path) -> logging.Handler:
    """Copy what the logger "medseg" says, from INFO up, to the end of a file.

    Returns:
        The handler, for ``detach_log``.

    Raises:
        OutputError: The file cannot be opened.
    """
    try:
        handler = _LogFile(path, mode="a", encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise OutputError(f"Cannot write '{path}': {error.strerror or error}. Choose another --output.") from error
    formatter = logging.Formatter("%(asctime)sZ %(levelname)-7s %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    handler.setLevel(logging.INFO)
    logger = logging.getLogger(LOGGER)
    if logger.getEffectiveLevel() > logging.INFO:
        logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    return handler


def detach_log(handler: logging.Handler) -> None:
    """Stop copying, and close the file."""
    logging.getLogger(LOGGER).removeHandler(handler)
    handler.close()
