"""The four parts of a foreign bundle's inference config, evaluated by MONAI's own parser: for bundles that are trusted.

Nothing is built that need not be: of each class there remain its full name and its evaluated arguments, as a bundle of
medseg would give them. So all that reads bundles reads these too.
"""

from __future__ import annotations

import copy
import enum
import inspect
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from pydoc import locate
from typing import Any, cast

import monai.inferers
import monai.networks.blocks
import monai.networks.nets
import monai.transforms
import numpy as np
import torch
from monai.bundle.config_item import ComponentLocator, ConfigComponent
from monai.bundle.config_parser import ConfigParser

from medseg.bundle.build import KINDS
from medseg.bundle.foreign import WEIGHTS_PATH, evaluations, is_file_transform, needed
from medseg.bundle.safety import PARTS, target_fault
from medseg.core.errors import BundleError, InferenceError, MedsegError, raise_faults
from medseg.core.printable import printable

LOG = logging.getLogger("medseg")
_PACKAGES = (monai.transforms, monai.networks.nets, monai.networks.blocks, monai.inferers, torch.nn)
_OF_THE_PARSER = ("_target_", "_disabled_", "_requires_", "_desc_", "_mode_")
# They change what MONAI before 1.0 kept beside an image, and nothing since.
_NO_EFFECT = {"monai.transforms.Invertd": {"meta_keys", "orig_meta_keys", "meta_key_postfix"}}
_KNOWN_BY_ARGUMENTS = {f"monai.transforms.{name}" for name in ("Activationsd", "AsDiscreted", "Invertd")}
_TOLD = 200  # characters of an error: of arrays and networks it may have thousands
_ROOTS: list[Path] = []  # of bundles that were evaluated; two may have a package "scripts" each


@dataclass(frozen=True)
class Evaluated:
    """What there is of a foreign bundle once it is evaluated.

    Attributes:
        parts: The four parts as plain values, with objects where a value is none.
        located: Class or function of every name in them.
        weights: Path of the weights that its CheckpointLoader would load; None where it has none.
    """

    parts: dict[str, Any]
    located: dict[str, Callable[..., Any]]
    weights: str | None


def evaluate(inference: Mapping[str, Any], root: Path) -> Evaluated:
    """Evaluate the four parts, as `python -m monai.bundle run` in the bundle's folder would.

    This runs whatever the bundle says. The caller has shown ``foreign.evaluations`` before.

    Args:
        inference: Parsed inference config, with metadata.json under ``_meta_``.
        root: The bundle's folder; its modules can be imported meanwhile.

    Raises:
        BundleError: It cannot be evaluated, or names what was not shown.
    """
    told = {one.text for one in evaluations(inference)}
    config = copy.deepcopy(needed(inference)) | {"bundle_root": str(root)}
    with _importable(root):
        try:
            return _evaluate(ConfigParser(config), told)
        except BundleError:
            raise
        except (Exception, SystemExit) as error:  # code of a stranger's raises what it likes
            raise BundleError(f"cannot be evaluated: {_reason(error)}") from error


def _evaluate(parser: ConfigParser, told: set[str]) -> Evaluated:
    parser.locator = _locator()
    parser.parse()
    items = parser.ref_resolver.items
    for name, item in items.items():
        if isinstance(item, ConfigComponent):
            items[name] = _Unbuilt(item.get_config(), name, parser.locator)
            cast(_Unbuilt, items[name]).told = told
    values = {part: parser.ref_resolver.get_resolved_content(part) for part in PARTS}
    weights = parser.ref_resolver.get_resolved_content(WEIGHTS_PATH) if WEIGHTS_PATH in items else None
    writer = _Writer(values["preprocessing"])
    parts = {part: writer.plain(value, part, part) for part, value in values.items()}
    raise_faults("not what its part needs", writer.faults, BundleError)
    located = {**writer.located, "monai.transforms.Compose": TellingCompose}
    return Evaluated(parts, located, None if weights is None else str(weights))


class TellingCompose(monai.transforms.Compose):  # type: ignore[misc]  # MONAI has no types here
    """A chain that says what was wrong in it, where MONAI's says in which transform alone."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """As MONAI's.

        Raises:
            MedsegError: As a transform of medseg's raised it; an InferenceError for what others raise.
        """
        try:
            return super().__call__(*args, **kwargs)
        except RuntimeError as error:
            if isinstance(error.__cause__, MedsegError):
                raise error.__cause__ from error
            raise InferenceError(f"a transform of the bundle fails: {_reason(error)}") from error


@cache
def _locator() -> ComponentLocator:
    """What MONAI's short names stand for, looked up once, before modules of a bundle could add to it."""
    locator = ComponentLocator()
    locator.get_component_module_name("Compose")
    return locator


class _Unbuilt(ConfigComponent):  # type: ignore[misc]  # nor here
    """A component that MONAI's parser evaluates and resolves as ever, and does not build."""

    told: set[str]

    def instantiate(self, **_: Any) -> object:
        return None if self.is_disabled() else _Piece(self)


class _Piece:
    """A class with its arguments; it is built only when an expression asks something of it."""

    def __init__(self, unbuilt: _Unbuilt) -> None:
        self._of = unbuilt
        self._found = self._locate()

    def _locate(self) -> Callable[..., Any]:
        config = self._of.get_config()
        given, full = config["_target_"], self._of.resolve_module_name()
        found = locate(full) if isinstance(full, str) else full
        where = f"{self._of.get_id().replace('::', '.')}: {printable(str(given))}"
        if not callable(found):
            raise BundleError(f"{where}: MONAI {monai.__version__} and this bundle have no class of that name")
        if config.get("_mode_", "default") != "default":
            raise BundleError(
                f"{where}: _mode_ {config['_mode_']!r} is not understood; only classes that are built are"
            )
        name = full_name(found, str(full))
        if given not in self._of.told and not is_file_transform(name) and all(target_fault(name, p) for p in PARTS):
            LOG.warning("  %s: %s", where, name)  # a name that only MONAI could look up; nothing of it has run yet
        return cast(Callable[..., Any], found)

    @cached_property
    def _built(self) -> Any:
        if is_file_transform(full_name(self._found, "")):
            where = self._of.get_id().replace("::", ".")
            raise BundleError(f"{where}: reads or writes files by itself, which medseg does not let it")
        return self._found(**{key: _with_pieces_built(value) for key, value in self._arguments.items()})

    @property
    def _arguments(self) -> dict[str, Any]:
        return {key: value for key, value in self._of.get_config().items() if key not in _OF_THE_PARSER}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._built, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._built(*args, **kwargs)


class _Writer:
    """Writes evaluated parts as a bundle of medseg would have them."""

    def __init__(self, preprocessing: Any) -> None:
        self._preprocessing = preprocessing
        self.located: dict[str, Callable[..., Any]] = {}
        self.faults: list[str] = []

    def plain(self, value: Any, part: str, path: str) -> Any:
        if value is self._preprocessing and part == "postprocessing":
            return "@preprocessing"
        if isinstance(value, _Piece):
            return self._component(value, part, path)
        if isinstance(value, Mapping):
            return {str(key): self.plain(item, part, f"{path}.{key}") for key, item in value.items()}
        if type(value) in (list, tuple, torch.Size):
            return [self.plain(item, part, f"{path}.{n}") for n, item in enumerate(value)]
        return _plain_scalar(value)

    def _component(self, piece: _Piece, part: str, path: str) -> Any:
        found = piece._found
        is_step = path in (part, f"{part}.transforms") or path.rsplit(".", 1)[0] == f"{part}.transforms"
        if isinstance(found, type) and not issubclass(found, KINDS[part]):
            if is_step:
                self.faults.append(f"{path}: {full_name(found, '')} is no {KINDS[part].__name__}")
                return {}
            return piece._built
        if not isinstance(found, type) and not is_step:
            return piece._built
        name = full_name(found, str(piece._of.resolve_module_name()))
        if is_file_transform(name) and not is_step:
            self.faults.append(f"{path}: {name} reads or writes files by itself, which medseg does not let it")
        self.located[name] = found
        arguments = {key: self.plain(item, part, f"{path}.{key}") for key, item in self._said(name, piece).items()}
        return {"_target_": name, **arguments}

    def _said(self, name: str, piece: _Piece) -> dict[str, Any]:
        """Arguments that change anything, where the rest of medseg knows a transform by just these."""
        drop = _NO_EFFECT.get(name, set())
        if name in _KNOWN_BY_ARGUMENTS:
            drop = drop | {key for key, value in piece._arguments.items() if _is_default(piece._found, key, value)}
        return {key: value for key, value in piece._arguments.items() if key not in drop}


def full_name(found: Any, otherwise: str) -> str:
    """Name of a class where MONAI and torch offer it, or where it is defined.

    Args:
        found: Class or function.
        otherwise: Name of what is no class.
    """
    if not isinstance(found, type):
        return otherwise
    package = next((one for one in _PACKAGES if getattr(one, found.__name__, None) is found), None)
    return f"{found.__module__ if package is None else package.__name__}.{found.__name__}"


def _is_default(found: Callable[..., Any], key: str, value: Any) -> bool:
    parameter = inspect.signature(found).parameters.get(key)
    return parameter is not None and type(value) is type(parameter.default) and value == parameter.default


def _plain_scalar(value: Any) -> Any:
    if isinstance(value, enum.Enum) and isinstance(value, str):
        return str(value.value)
    return value.item() if isinstance(value, np.generic) else value


def _with_pieces_built(value: Any) -> Any:
    if isinstance(value, _Piece):
        return value._built
    if isinstance(value, dict):
        return {key: _with_pieces_built(item) for key, item in value.items()}
    return [_with_pieces_built(item) for item in value] if type(value) is list else value


@contextmanager
def _importable(root: Path) -> Iterator[None]:
    """Let the modules of a bundle be imported; nothing is written beside them, and the search path is put back."""
    others = [f"{other}{os.sep}" for other in _ROOTS if other != root]
    for name in [name for name, module in sys.modules.items() if _lies_below(module, others)]:
        del sys.modules[name]  # of another bundle: this one may have modules of the same names
    if root not in _ROOTS:
        _ROOTS.append(root)
    path, writes = list(sys.path), sys.dont_write_bytecode
    sys.path.insert(1, str(root))  # where MONAI puts it
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.path[:], sys.dont_write_bytecode = path, writes


def _lies_below(module: Any, roots: Sequence[str]) -> bool:
    file = getattr(module, "__file__", None)
    places = [file] if file else list(getattr(module, "__path__", ()))
    return any(isinstance(place, str) and place.startswith(tuple(roots)) for place in places)


def _reason(error: BaseException) -> str:
    """What MONAI was about, and what was wrong at the bottom of it, in a line."""
    bottom = error
    while bottom.__cause__ is not None:
        bottom = bottom.__cause__
    told = [f"{type(one).__name__}: {' '.join(str(one).split())}" for one in dict.fromkeys((error, bottom))]
    return printable("; ".join(one[:_TOLD] for one in told))
