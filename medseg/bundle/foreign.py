"""What MONAI would evaluate of a foreign bundle's inference config, told without importing or evaluating any of it.

MONAI's own bundles name classes in short, refer to other keys with "@" and write Python behind "$". Only the four parts
matter to medseg, with the keys they refer to, the weights' path, and every import statement: MONAI runs those first,
wherever they stand.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from medseg.bundle.safety import PARTS, target_fault
from medseg.core.errors import BundleError
from medseg.core.printable import printable

_ALL_IMPORTS, WEIGHTS_PATH = "_imports_", "_weights_path_"  # keys of what is handed to MONAI's parser
LOADERS = {f"LoadImage{ending}" for ending in ("d", "D", "Dict")}
SAVERS = {f"SaveImage{ending}" for ending in ("d", "D", "Dict")}
_PACKAGES = {"network_def": "monai.networks.nets.", "inferer": "monai.inferers."}  # where MONAI has its short names
_ID = re.compile(r"@(\w*(?:::\w*)*)")  # as MONAI's ReferenceResolver
_RELATIVE = re.compile(r"[@%]((?:::)+)(\w*)")
_FILE = re.compile(r"%.*\.(json|ya?ml)", re.IGNORECASE | re.DOTALL)
_NAME = re.compile(r"[A-Za-z_][\w.]*")
Path = tuple[str, ...]


@dataclass(frozen=True)
class Evaluation:
    """One text that would be evaluated, or one class or function outside the list that medseg builds from.

    Attributes:
        path: Of the key, with dots.
        text: As the bundle writes it.
    """

    path: str
    text: str

    @property
    def line(self) -> str:
        """For people: signs that a terminal would obey or hide are escaped."""
        return f"{printable(self.path)}: {printable(self.text)}"


def last_name(target: Any) -> str:
    """Of ``monai.transforms.LoadImaged`` and of ``LoadImaged`` the same; "" for what is no name."""
    return target.rsplit(".", 1)[-1] if isinstance(target, str) else ""


def is_file_transform(target: Any, names: Set[str] = LOADERS | SAVERS) -> bool:
    """Whether a target is MONAI's LoadImaged or SaveImaged under one of their names."""
    return last_name(target) in names and target in (last_name(target), f"monai.transforms.{last_name(target)}")


def names_in_short(inference: Mapping[str, Any]) -> bool:
    """Whether a part names a class as only MONAI's parser can look it up, which tells a bundle of the model zoo."""
    return any(
        path[-1] == "_target_" and isinstance(value, str) and re.fullmatch(r"\w+", value) is not None
        for part in PARTS
        for path, value in walk(inference.get(part), (part,))
    )


def evaluations(inference: Mapping[str, Any]) -> list[Evaluation]:
    """All that would be evaluated, in the order of the file; nothing is imported to find it.

    Args:
        inference: Parsed inference config of any bundle.

    Returns:
        Expressions, imports, and targets outside the list of ``safety``; empty where there is none of it.
    """
    found, loader = {}, weights_loader(inference)
    for key, kept in needed(inference).items():
        for path, value in walk(kept, _own_path(key, loader)) if key != _ALL_IMPORTS else ():
            if _is_evaluated(path, value):
                found[path] = Evaluation(".".join(path), value)
    found |= {path: Evaluation(".".join(path), text) for path, text in _imports(inference)}
    order = {path: n for n, (path, _) in enumerate(walk(inference, ()))}
    return [found[path] for path in sorted(found, key=lambda path: order.get(path, -1))]


def refuse_foreign(title: str, file: str, inference: Mapping[str, Any], *, only_in_short: bool = False) -> None:
    """Refuse a stock bundle, and say what ``--trust`` would let it evaluate.

    Args:
        title: Name and place of the bundle.
        file: Name of the inference config.
        inference: Parsed from it.
        only_in_short: Whether it counts as one only where it names classes in short: what else has an evaluate.yaml is
            one of medseg's that went wrong.

    Raises:
        BundleError: It is one. Nothing is raised for a bundle whose parts evaluate nothing, or that holds itself.
    """
    try:
        found, loader = evaluations(inference), weights_loader(inference)
        in_short = names_in_short(inference)
    except RecursionError:
        return
    beside = ".".join(loader[0]) if loader else ""
    evaluates = not all(one.path == beside or _is_import(one.text) for one in found)
    if in_short or (evaluates and not only_in_short):
        lines = [f"  configs/{file}: {one.line}" for one in found] or ["  nothing"]
        raise BundleError("\n".join([f"{title} {_STOCK}", *lines, _IF_TRUSTED]))


_STOCK = "is a stock bundle, not one of medseg's. Of it MONAI would evaluate, beside classes that are known:"
_IF_TRUSTED = "Nothing of it was run. If you trust whoever made it, medseg infer and evaluate run it with --trust."


def needed(inference: Mapping[str, Any]) -> dict[str, Any]:
    """What MONAI's parser has to be given for the four parts: them, all they refer to, and the imports.

    Of transforms that write files only the keys are kept: medseg never builds them.
    """
    kept: dict[str, Any] = {part: _without_writing(inference[part]) for part in PARTS if part in inference}
    loader = weights_loader(inference)
    if loader:
        kept[WEIGHTS_PATH] = loader[1]
    todo = list(kept)
    while todo:
        name = todo.pop()
        for path, value in walk(kept[name], _own_path(name, loader)):
            for key in _references(path, value) if isinstance(value, str) else ():
                if key in inference and key not in kept:
                    kept[key] = inference[key]
                    todo.append(key)
    return kept | {_ALL_IMPORTS: [text for _, text in _imports(inference)]}


def weights_loader(inference: Mapping[str, Any]) -> tuple[Path, str] | None:
    """Where the first CheckpointLoader stands that is given a path, and the path; None if there is none."""
    for path, value in walk(inference, ()):
        if isinstance(value, Mapping) and last_name(value.get("_target_")) == "CheckpointLoader":
            place = value.get("load_path")
            if isinstance(place, str):
                return (*path, "load_path"), place
    return None


def hidden_faults(inference: Mapping[str, Any]) -> list[str]:
    """Why a list of what is evaluated could not be complete: texts of other files, and names that come from elsewhere.

    Returns:
        One sentence per fault, each opening with the key's path; a bundle with one is never evaluated.
    """
    found, loader = [], weights_loader(inference)
    for key, kept in needed(inference).items():
        for path, value in walk(kept, _own_path(key, loader)):
            where = f"{printable('.'.join(path))}: {printable(str(value))}"
            if isinstance(value, str) and _FILE.match(value):
                found.append(
                    f"{where} copies from another file, which could hold code that nobody was shown; write it out"
                )
            elif path[-1] == "_target_" and not (isinstance(value, str) and _NAME.fullmatch(value)):
                found.append(f"{where} is no name of a class; write it out")
    return found


def walk(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """A value and everything below it, each with its path.

    Raises:
        RecursionError: A value holds itself, as a YAML anchor may.
    """
    yield path, value
    items = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from walk(item, (*path, str(key)))


def _is_evaluated(path: Path, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    return value.startswith("$") or (path[-1] == "_target_" and _is_foreign(value, path[0]))


def _is_foreign(target: str, part: str) -> bool:
    """Whether a target is outside the list; readers and writers of files are never built."""
    if is_file_transform(target):
        return False
    return all(target_fault(_in_full(target, one), one) for one in ([part] if part in PARTS else PARTS))


def _in_full(target: str, part: str) -> str:
    return target if "." in target else _PACKAGES.get(part, "monai.transforms.") + target


def _own_path(key: str, loader: tuple[Path, str] | None) -> Path:
    """Where a key of ``needed`` stands in the file."""
    return loader[0] if key == WEIGHTS_PATH and loader else (key,)


def _without_writing(part: Any) -> Any:
    items = part.get("transforms") if isinstance(part, Mapping) else None
    if not isinstance(items, list):
        return part
    return {**part, "transforms": [_keys_alone(item) if _writes(item) else item for item in items]}


def _writes(item: Any) -> bool:
    return isinstance(item, Mapping) and is_file_transform(item.get("_target_"), SAVERS)


def _keys_alone(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item[key] for key in ("_target_", "keys") if key in item}


def _imports(inference: Mapping[str, Any]) -> list[tuple[Path, str]]:
    return [(path, value) for path, value in walk(inference, ()) if isinstance(value, str) and _is_import(value)]


def _is_import(text: str) -> bool:
    """As MONAI decides it; Python's parser runs nothing."""
    if not text.startswith("$") or "import" not in text:
        return False
    try:
        body = ast.parse(text[1:]).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return bool(body) and isinstance(body[0], ast.Import | ast.ImportFrom)


def _references(path: Path, text: str) -> Iterator[str]:
    """Top keys that a text refers to or copies."""
    text = text.replace("#", "::")
    for match in _RELATIVE.finditer(text):  # "@#x" is a neighbour, "@##x" a neighbour of what holds it
        if match[1].count("::") >= len(path):
            yield match[2]
    if text.startswith("%"):
        yield text[1:].split("::")[0]
    for match in _ID.finditer(text):
        if text.startswith("$") or text == match[0]:
            yield match[1].split("::")[0]
