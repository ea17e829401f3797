"""From models:/NAME/VERSION to the package that an MLflow server keeps under it: fetched once, checked, kept here."""

from __future__ import annotations

import difflib
import json
import logging
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from medseg.core.errors import BundleError, MedsegError
from medseg.core.files import digest_of, digest_of_file, replacing, write_json
from medseg.core.in_words import size as in_words
from medseg.core.machine import default_folder
from medseg.core.printable import printable
from medseg.runs.tracking import RefusedError
from medseg.runs.tracking_registry import Registered, Registry
from medseg.runs.tracking_text import as_reason
from medseg.runs.tracking_uri import choose_uri, without_credentials

OUTPUT = Path("runs")  # where the default database lies, as for a training
SHA256, FILE, BYTES = "package.sha256", "package.file", "package.bytes"  # tags of a version
LATEST = "latest"
_LISTED = 10  # names or numbers in a message
_ADDRESS = re.compile(r"models:/([^/@:'\"\\`\s]+)(?:/([1-9][0-9]{0,8}|latest)|@([\w.-]+))", re.ASCII)
_PLAIN_FILE = re.compile(r"\w[\w.-]{0,200}\.zip", re.ASCII)
_DIGEST = re.compile(r"[0-9a-f]{64}")
LOG = logging.getLogger("medseg")


@dataclass(frozen=True)
class Asked:
    """A version of a model that someone asks for, by number, by alias or as the latest.

    Attributes:
        name: Of the model.
        number: Of the version; None where only the registry can tell.
        alias: Name that the registry has given to a version; None for none.
    """

    name: str
    number: int | None = None
    alias: str | None = None

    def __str__(self) -> str:
        return f"models:/{self.name}@{self.alias}" if self.alias else f"models:/{self.name}/{self.number or LATEST}"


def parse_address(text: str) -> Asked:
    """What an address asks for.

    Raises:
        BundleError: It is not of one of the three forms.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise BundleError(
            f"'{without_credentials(text)}' is no address of a registered model. Write "
            "models:/NAME/VERSION, models:/NAME@ALIAS or models:/NAME/latest, for example models:/brats_unet3d/3."
        )
    name, version, alias = match.groups()
    return Asked(name, None if version in (None, LATEST) else int(version), alias)


def fetch(text: str, *, uri: str | None = None, cache: Path | None = None) -> Path:
    """Zip of a package that is registered in MLflow.

    It is downloaded once; later the server is only asked whether the version still is that file. Where the server is
    away, a version that was fetched before is taken as it is, with a warning; an alias and ``latest`` are not, since
    nobody else knows what they stand for today.

    Args:
        text: models:/NAME/VERSION, models:/NAME@ALIAS or models:/NAME/latest.
        uri: Address of the MLflow; None takes MLFLOW_TRACKING_URI, else the database in ./runs.
        cache: Folder that keeps the zips; None takes ``models`` in the user's cache folder.

    Returns:
        ``<sha256>.zip`` in the cache, whose bytes have that SHA-256.

    Raises:
        BundleError: No such model or version, no package in it, another file than was registered, or the server is away
            and the version was not fetched before.
        UsageError: The address of the MLflow is of a kind that medseg does not use.
        OutputError: The cache cannot be written.
    """
    asked, address = parse_address(text), choose_uri(uri, OUTPUT)
    shelf = Shelf(default_folder() / "models" if cache is None else cache, without_credentials(address))
    try:
        registry = Registry(address)
        version = _version(registry, asked, shelf.address)
    except MedsegError:
        raise
    except RefusedError as error:
        raise BundleError(printable(f"{asked}: MLflow at {shelf.address} gives nothing: {error}.")) from None
    except Exception as error:  # whatever MLflow says when it is away
        return _fetched_before(shelf, asked, as_reason(error))
    sha256, file = _package_of(version, shelf.address)
    shelf.warn_of_another(version, sha256)
    if not shelf.has(sha256):
        _download(registry, version, file, sha256, shelf)
    shelf.note(version, sha256)
    return shelf.zip(sha256)


@dataclass(frozen=True)
class Shelf:
    """Packages that were fetched, and from where.

    Attributes:
        folder: Holds ``<sha256>.zip`` and, for each version of each server, a note which of them it is.
        address: Of the MLflow, without a password.
    """

    folder: Path
    address: str

    def zip(self, sha256: str) -> Path:
        """Where the package of a digest is, or would be."""
        return self.folder / f"{sha256}.zip"

    def has(self, sha256: str) -> bool:
        """Whether that package is there with every byte."""
        path = self.zip(sha256)
        return path.is_file() and digest_of_file(path) == sha256

    def noted(self, name: str, number: int) -> str | None:
        """Digest of what a version was when it was fetched last; None if it was not."""
        try:
            found = json.loads(self._note(name, number).read_text(encoding="utf-8"))["sha256"]
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return found if isinstance(found, str) and _DIGEST.fullmatch(found) else None

    def note(self, version: Registered, sha256: str) -> None:
        """Remember what a version is."""
        if self.noted(version.name, version.number) != sha256:
            known = {"mlflow": self.address, "model": version.name, "version": version.number, "sha256": sha256}
            write_json(self._note(version.name, version.number), known)

    def warn_of_another(self, version: Registered, sha256: str) -> None:
        """A number stands for one file for good, unless the model was deleted and made anew: then someone must know."""
        before = self.noted(version.name, version.number)
        if before not in (None, sha256):
            LOG.warning(
                "models:/%s/%d at %s is another package than when it was fetched last: SHA-256 %s…, before %s….",
                *(version.name, version.number, self.address, sha256[:12], str(before)[:12]),
            )

    def _note(self, name: str, number: int) -> Path:
        return self.folder / f"{digest_of([self.address, name, number])[:32]}.json"


def _version(registry: Registry, asked: Asked, where: str) -> Registered:
    versions = {version.number: version for version in registry.versions(asked.name)}
    if not versions:
        _refuse_model(asked.name, registry.names(), where)
    if asked.alias is not None:
        aliases = registry.aliases(asked.name)
        known = _list(f"{alias} (version {number})" for alias, number in aliases.items())
        number, lack = aliases.get(asked.alias, 0), f"alias '{asked.alias}'; it has {known}"
    else:
        number = asked.number or max(versions)
        lack = f"version {number}; it has {_list(sorted(versions, reverse=True))}"
    if number not in versions:
        raise BundleError(printable(f"Model '{asked.name}' in MLflow at {where} has no {lack}."))
    return versions[number]


def _refuse_model(name: str, names: list[str], where: str) -> NoReturn:
    if name in names:
        raise BundleError(f"Model '{name}' in MLflow at {where} has no version yet.")
    nearest = difflib.get_close_matches(name, names, n=_LISTED, cutoff=0.5)
    hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
    known = _list(dict.fromkeys([*nearest, *names]))
    raise BundleError(printable(f"MLflow at {where} has no model '{name}'.{hint} It has {known}."))


def _package_of(version: Registered, where: str) -> tuple[str, str]:
    """SHA-256 and file name, as the version's tags say: believed only where they are plain."""
    sha256, file = version.tags.get(SHA256, ""), version.tags.get(FILE, "")
    if not sha256 and not file:
        raise BundleError(
            f"models:/{version.name}/{version.number} at {where} holds no package of medseg: it has no tag {SHA256}. "
            "Choose a version that `medseg package` registered."
        )
    if not _DIGEST.fullmatch(sha256) or not _PLAIN_FILE.fullmatch(file):
        raise BundleError(
            f"models:/{version.name}/{version.number} at {where} is refused: its tags {SHA256} {sha256[:80]!r} and "
            f"{FILE} {file[:80]!r} are not a SHA-256 and the plain name of a zip. Register the package again."
        )
    return sha256, file


def _download(registry: Registry, version: Registered, file: str, sha256: str, shelf: Shelf) -> None:
    what = f"models:/{version.name}/{version.number}"
    LOG.info("Fetching %s%s from %s.", what, _in_brackets(version.tags), shelf.address)
    with replacing(shelf.zip(sha256)) as whole, tempfile.TemporaryDirectory(prefix=".tmp-", dir=shelf.folder) as folder:
        try:
            found = registry.download(version, file, Path(folder))
        except Exception as error:  # away, or the file is
            reason = str(error) if isinstance(error, RefusedError) else as_reason(error)
            raise BundleError(
                printable(f"{what}: MLflow at {shelf.address} did not give '{file}': {reason}.")
            ) from None
        digest = digest_of_file(found)
        if digest != sha256:
            raise BundleError(
                f"{what}: '{file}' at {shelf.address} is not what was registered: its SHA-256 is {digest[:12]}…, that "
                f"of the version {sha256[:12]}…. It is not used. Register the package again as a new version."
            )
        found.replace(whole)


def _fetched_before(shelf: Shelf, asked: Asked, reason: str) -> Path:
    away = printable(f"MLflow at {shelf.address} is away ({reason})")
    if asked.number is None:
        raise BundleError(
            f"{away}, and only it knows which version {asked} is. Ask for a version that was fetched before."
        )
    sha256 = shelf.noted(asked.name, asked.number)
    if sha256 is None or not shelf.has(sha256):
        raise BundleError(
            f"{away}, and {asked} was not fetched from it before. Say where it is with --tracking-uri, or give "
            "the zip of the package itself."
        )
    LOG.warning("%s: %s as it was fetched before is used.", away, asked)
    return shelf.zip(sha256)


def _in_brackets(tags: Mapping[str, str]) -> str:
    told = tags.get(BYTES, "")
    return f" ({in_words(int(told))})" if re.fullmatch(r"[0-9]{1,15}", told) else ""


def _list(things: Iterable[object]) -> str:
    listed = [str(thing) for thing in things]
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    return f"{', '.join(listed[:_LISTED])}{more}" if listed else "none"
