"""Answers that were measured on this machine, kept so that they need not be measured again."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import torch

from medseg.core.errors import MedsegError
from medseg.core.files import digest_of, write_json
from medseg.core.machine import cores


def key_on_this_machine(question: Any) -> str:
    """Digest of a question and of everything about the machine that may change its answer."""
    machine = [platform.machine(), platform.processor(), torch.backends.cpu.get_cpu_capability(), cores()]
    return digest_of([question, machine, torch.__version__])


def recall(memory: Path, key: str) -> Any:
    """The answer, or None; a file that is absent or damaged knows nothing."""
    return _answers(memory).get(key)


def remember(memory: Path, key: str, answer: Any) -> None:
    """Add an answer to a JSON file; one that cannot be written is measured again next time."""
    try:
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_json(memory, {**_answers(memory), key: answer})
    except (OSError, MedsegError):
        return


def _answers(memory: Path) -> dict[str, Any]:
    try:
        answers = json.loads(memory.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return answers if isinstance(answers, dict) else {}
