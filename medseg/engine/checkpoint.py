"""Save everything a training needs to go on, so that a kill at any moment leaves a loadable file."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from medseg.core.errors import FileError
from medseg.core.files import replacing


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write ``state`` whole or not at all; until the rename the former file stays.

    Args:
        path: Of the checkpoint.
        state: Tensors and plain Python values only, so that it loads without running code.

    Raises:
        OutputError: The folder cannot be written or the disk is full; the former file is untouched.
    """
    with replacing(path) as temporary:
        try:
            with temporary.open("wb") as stream:  # a stream, since its error says what is wrong with the disk
                torch.save(state, stream)
        except RuntimeError as error:  # torch's writer hides the stream's error behind one of its own
            reason = error.__context__
            raise reason if isinstance(reason, OSError) else OSError(f"torch could not write ({error})") from None


def load_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """What ``save_checkpoint`` wrote.

    Raises:
        FileError: Absent, damaged, or holding more than tensors and plain values.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise FileError(f"No checkpoint '{path}'.") from None
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile, ValueError) as error:
        reason = str(error).split(". ")[0].splitlines()[0] if str(error) else type(error).__name__
        raise FileError(f"Checkpoint '{path}' cannot be read ({reason}). Copy it again, or start a new run.") from None
    if not isinstance(state, dict):
        raise FileError(f"Checkpoint '{path}' holds {type(state).__name__}, not a training state.")
    return state


def random_state(device: torch.device) -> dict[str, Any]:
    """State of torch's generators, which dropout draws from."""
    state: dict[str, Any] = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random_state(state: dict[str, Any], device: torch.device) -> None:
    """Put torch's generators where ``random_state`` found them."""
    torch.set_rng_state(state["cpu"].cpu())
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"].cpu(), device)
