"""Weights of a network as a plain state dict: read without running code, written whole or not at all."""

from __future__ import annotations

import errno
import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from medseg.core.errors import BundleError
from medseg.core.files import replacing
from medseg.core.in_words import size

_SHOWN = 3  # names listed of many; the rest is counted


def load_weights(network: torch.nn.Module, path: Path) -> None:
    """Put the weights of a file into a network, all of them.

    Args:
        network: Changed in place; its weights stay where they are (CPU or GPU).
        path: A state dict, usually a bundle's models/model.pt.

    Raises:
        BundleError: The file is absent, damaged, holds more than tensors or what is no number, or belongs
            to another network.
    """
    state = _read_state(path)
    _check_fit(state, network.state_dict(), path)
    _check_numbers(state, path)
    network.load_state_dict(state)


def save_weights(state_dict: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write a plain state dict, on the CPU, whole or not at all; a tensor under several names is written once.

    Raises:
        OutputError: The folder cannot be written or the disk is full.
    """
    plain = _plain(state_dict)
    buffer = io.BytesIO()  # torch.save to a full disk fails with a RuntimeError of its own; plain writing says why
    torch.save(plain, buffer)
    with replacing(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def _check_fit(state: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor], path: Path) -> None:
    faults = [
        _listed("missing", [key for key in expected if key not in state]),
        _listed("unexpected", [key for key in state if key not in expected]),
        _listed("another shape", [_shapes(key, state, expected) for key in state if _differs(key, state, expected)]),
    ]
    found = [fault for fault in faults if fault]
    if found:
        raise BundleError(
            f"Weights '{path}' do not fit: the bundle's inference.yaml and model.pt do not belong together. "
            f"{'; '.join(found)}. Take both from one run."
        )


def _check_numbers(state: Mapping[str, torch.Tensor], path: Path) -> None:
    """A network with one such value may answer with background everywhere, which looks like a finding."""
    wrong = _listed("tensors", [key for key, value in state.items() if not torch.isfinite(value).all()])
    if wrong:
        raise BundleError(
            f"Weights '{path}' hold values that are no numbers: {wrong}. The training failed or the file was changed: "
            "take the weights of another run."
        )


def _plain(state_dict: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Copies that share nothing with the network, so that no larger storage is saved with a view of it.

    MONAI's DynUNet knows each of its layers by two names: what is one tensor there stays one, in half the bytes.
    """
    copies: dict[tuple[object, ...], torch.Tensor] = {}
    plain = {}
    for key, value in state_dict.items():
        same = (value.device, value.data_ptr(), value.dtype, value.shape, value.stride())
        if same not in copies:
            copies[same] = value.detach().cpu().clone()
        plain[key] = copies[same]
    return plain


def _read_state(path: Path) -> dict[str, torch.Tensor]:
    if not path.is_file():
        raise BundleError(f"No weights: '{path}' is missing. Train the bundle, or give a run that is trained.")
    _check_size(path)
    try:
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise BundleError(
            f"Weights '{path}' are damaged or hold more than tensors, which could run code, and are not loaded. "
            "Copy them again, or save network.state_dict() alone."
        ) from error
    except Exception as error:  # what it raises depends on where the file is damaged
        raise BundleError(f"Weights '{path}' are damaged: {_reason(error)}. Copy them again.") from error
    if not isinstance(state, dict) or not all(_is_plain(key, value) for key, value in state.items()):
        raise BundleError(f"Weights '{path}' are no plain state dict; save network.state_dict() alone.")
    return state


def _is_plain(key: Any, value: Any) -> bool:
    """Whether this is a name and a tensor with its values in a row; others cannot be looked through for nan."""
    if not isinstance(key, str) or not isinstance(value, torch.Tensor) or value.is_nested:
        return False
    return value.layout == torch.strided and not value.is_meta and not value.is_quantized


def _check_size(path: Path) -> None:
    """Refuse packed tensors: torch never packs them, yet reads them, and few bytes would fill all memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            told = sum(entry.file_size for entry in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return  # torch's old form, or damaged
    if told > path.stat().st_size:
        raise BundleError(
            f"Weights '{path}' unpack to {size(told)} from {size(path.stat().st_size)}, which torch never writes, and "
            "are not loaded. Save network.state_dict() with torch.save."
        )


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno == errno.EINVAL:  # it seeks to before the start of what is left
        return "the file is cut short"
    return str(error).split(". ")[0].splitlines()[0][:120] if str(error) else type(error).__name__


def _differs(key: str, state: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> bool:
    return key in expected and state[key].shape != expected[key].shape


def _shapes(key: str, state: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> str:
    return f"{key} {tuple(state[key].shape)} for {tuple(expected[key].shape)}"


def _listed(what: str, names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{len(names)} {what} ({', '.join(names[:_SHOWN])}{more})" if names else ""
