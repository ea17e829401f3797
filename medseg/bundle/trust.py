"""Who must have signed a bundle, and whether its expressions may be evaluated: by the command line and by the site.

A site says for all of its users whose signatures it takes, in /etc/medseg/site.yaml (on Windows medseg/site.yaml below
%PROGRAMDATA%) or in the file that MEDSEG_SITE names:

    keys: [radiology.pub, RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3]

Both files count where both are there, and so does --key beside them: none of them can take back what another demands.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from medseg.bundle.minisign import PublicKey
from medseg.bundle.minisign_keys import public_key_of, read_public_key
from medseg.core.errors import ConfigError, UsageError
from medseg.recipe.yaml_file import read_yaml

SITE_VARIABLE = "MEDSEG_SITE"
_USUAL = Path("/etc/medseg/site.yaml")
_WINDOWS = os.name == "nt"  # elsewhere PROGRAMDATA means nothing: whoever sets it must not get rid of /etc
_KEYS = "keys"


@dataclass(frozen=True)
class Trust:
    """What a user says of a bundle.

    Attributes:
        key: File or text of the public key that must have signed it; None demands no signature.
        evaluate: Whether expressions of a foreign bundle may be evaluated.
        registry: Address of the MLflow that knows a bundle called models:/…; None takes the usual one.
    """

    key: str | None = None
    evaluate: bool = False
    registry: str | None = None


NOTHING_SAID = Trust()


@dataclass(frozen=True)
class Demand:
    """A signature that is demanded.

    Attributes:
        by: Who demands it: an option, or a file.
        keys: One of these must have signed.
    """

    by: str
    keys: tuple[PublicKey, ...]


def demands_of(trust: Trust, environment: Mapping[str, str] = os.environ) -> list[Demand]:
    """Every demand that a bundle has to meet, one after the other.

    Args:
        trust: What the command line says.
        environment: Where the site's files are looked up.

    Raises:
        UsageError: A key cannot be read.
        ConfigError: A site's file cannot be read, or says something else.
    """
    asked = [Demand("--key", (read_public_key(trust.key),))] if trust.key is not None else []
    return [*asked, *(_demand_of_site(path) for path in site_files(environment))]


def site_files(environment: Mapping[str, str]) -> list[Path]:
    """Site files that are there; the one that MEDSEG_SITE names must be."""
    named = environment.get(SITE_VARIABLE)
    usual = Path(environment.get("PROGRAMDATA", r"C:\ProgramData")) / "medseg" / "site.yaml" if _WINDOWS else _USUAL
    found = [usual] if _is_there(usual) else []
    return [*found, *([Path(named)] if named and Path(named) != usual else [])]


def _is_there(path: Path) -> bool:
    """Whether a site says something; a file that cannot be looked at may say it all the same."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _demand_of_site(path: Path) -> Demand:
    values = read_yaml(path)
    keys = values.get(_KEYS)
    if (
        set(values) != {_KEYS}
        or not isinstance(keys, list)
        or not keys
        or not all(isinstance(one, str) for one in keys)
    ):
        raise ConfigError(
            f"'{path}' says {', '.join(map(str, values)) or 'nothing'}; write 'keys:' and a list of public keys, files "
            "beside it or their lines of base64. No bundle is used until it is right."
        )
    return Demand(str(path), tuple(_key_of_site(path, one) for one in keys))


def _key_of_site(path: Path, given: str) -> PublicKey:
    """Never a file of the working folder: there anyone's bundle may have left one of that name."""
    try:
        return public_key_of(given) or read_public_key(str(path.parent / given))
    except UsageError as error:
        raise ConfigError(f"'{path}': keys: {error}") from None
