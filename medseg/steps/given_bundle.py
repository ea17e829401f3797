"""The bundle that stands behind --bundle, wherever it lies; and the options that say whether it is to be trusted."""

from __future__ import annotations

import argparse
from pathlib import Path

from medseg.bundle.open import folder_of
from medseg.bundle.read import Bundle, read_bundle
from medseg.bundle.trust import NOTHING_SAID, Trust
from medseg.core.command import Parser

REGISTERED = "models:/"  # as MLflow writes the name of a registered model


def add_trust_options(options: Parser | argparse._ArgumentGroup, *, foreign: bool = False) -> None:
    """The options of a verb that takes a bundle.

    Args:
        options: Gets them.
        foreign: Whether bundles that need code of their own may be used.
    """
    options.add_argument(
        "--key", metavar="PUB", help="public key, file or text, that must have signed the bundle; else it is refused"
    )
    if foreign:
        options.add_argument(
            "--trust",
            action="store_true",
            help="evaluate the expressions of a foreign bundle, after naming them: it can do whatever you can",
        )


def trust_of(options: argparse.Namespace) -> Trust:
    """What these options say."""
    return Trust(options.key, bool(getattr(options, "trust", False)), getattr(options, "tracking_uri", None))


def given_bundle(text: str, trust: Trust = NOTHING_SAID) -> Bundle:
    """The bundle a user means.

    Args:
        text: A name, folder, zip or run; or models:/NAME/VERSION of an MLflow registry.
        trust: What the command line says of it.

    Raises:
        BundleError: It is absent, altered, unsafe, or not signed as demanded.
        UsageError: A key or the address of MLflow cannot be used.
        ConfigError: A site's file cannot be read.
        OutputError: It cannot be unpacked.
    """
    return read_bundle(given_folder(text, trust), trusted=trust.evaluate)


def given_folder(text: str, trust: Trust = NOTHING_SAID) -> Path:
    """Its folder; its seal is checked, its configuration is not read.

    Raises:
        BundleError, UsageError, ConfigError, OutputError: As ``given_bundle``.
    """
    return folder_of(str(local_place(text, trust)), trust)


def local_place(text: str, trust: Trust = NOTHING_SAID) -> str | Path:
    """What the user wrote; for a registered model the zip that was fetched for it.

    Raises:
        BundleError: The registry does not have it.
        UsageError: The address of MLflow cannot be used.
    """
    if not text.startswith(REGISTERED):
        return text
    from medseg.core.machine import default_folder
    from medseg.steps.registry import fetch

    return fetch(text, uri=trust.registry, cache=default_folder() / "models")
