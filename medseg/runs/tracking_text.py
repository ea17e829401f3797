"""Words as MLflow takes them, and its errors as a person takes them."""

from __future__ import annotations

import re

from medseg.runs.tracking_uri import without_credentials

VALUE_LENGTH = 5000  # characters of a parameter or tag; MLflow takes 6000 and 8000
KEY_LENGTH = 250  # characters, as MLflow takes
REASON_LENGTH = 200  # characters; MLflow's errors quote whole requests
_REASONS = {
    "refused": "connection refused",
    "reset": "connection lost",
    "aborted": "connection lost",
    "timed out": "no answer in time",
    "timeout": "no answer in time",
    "resolve": "no such host",
    "locked": "another program has locked the database",
}


def as_key(name: str) -> str:
    """A name of a metric, parameter or tag; signs that MLflow does not take become "_"."""
    key = re.sub(r"[^/\w.\- :]", "_", name)
    if any(part in ("", ".", "..") for part in key.split("/")):  # MLflow reads "/" as folders
        key = key.replace("/", "_")
    if key in ("", ".") or key.startswith(".."):
        key = "_" + key
    return key[:KEY_LENGTH]


def as_value(value: object) -> str:
    """The text of a parameter or tag, cut where it is too long."""
    text = str(list(value)) if isinstance(value, tuple) else str(value)
    return text if len(text) <= VALUE_LENGTH else text[: VALUE_LENGTH - 1] + "…"


def as_reason(error: Exception) -> str:
    """Why MLflow is away, in a few words and without a password."""
    text = " ".join(without_credentials(str(error)).split())
    short = next((reason for sign, reason in _REASONS.items() if sign in text.lower()), None)
    return short or text[:REASON_LENGTH] or type(error).__name__
