"""What hostile bundles are made of: a package, whose it is, and a canary that must not be written."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from medseg.bundle.minisign import SecretKey
from medseg.bundle.minisign_keys import public_text
from medseg.bundle.pack import seal_bundle

FACTS = {"name": "hippocampus_unet3d", "version": "1.0.0", "made": "2026-01-01T00:00:00Z"}
OWNER, STRANGER = (SecretKey(bytes([n] * 8), bytes(range(n, n + 32))) for n in (1, 2))
ALL = ("check", "infer", "verify")
FILES = (
    *("LICENSE", "configs/evaluate.yaml", "configs/inference.yaml", "configs/metadata.json", "configs/series.yaml"),
    *("configs/train.yaml", "docs/README.md", "docs/data_license.txt", "golden/expected.nii.gz", "golden/golden.json"),
    *("golden/input/channel_0.nii.gz", "manifest.json", "manifest.json.minisig", "models/model.pt"),
)


@dataclass(frozen=True)
class Kit:
    """What a row is made of.

    Attributes:
        root: An empty folder.
        package: A package of the owner's, sealed and signed; do not write into it.
    """

    root: Path
    package: Path

    @property
    def canary(self) -> Path:
        """Is there if anything was run."""
        return self.root / "canary"

    @property
    def command(self) -> str:
        """Shell command that would write it."""
        return f"touch {self.canary}"

    @property
    def expression(self) -> str:
        """What MONAI would evaluate to write it."""
        return f"$__import__('os').system('{self.command}')"

    def copy(self) -> Path:
        """A package of one's own to damage."""
        return Path(shutil.copytree(self.package, self.root / "hippocampus_unet3d"))


@dataclass(frozen=True)
class Hostile:
    """One hostile bundle.

    Attributes:
        name: What it tries.
        make: Makes it; gives its folder or zip.
        says: Words of the refusal.
        by: Verbs that must refuse it; the others have nothing to do with what is wrong, and must do no harm.
        more: Further words of each of these commands.
        site: Whether the site demands the owner's signature.
    """

    name: str
    make: Callable[[Kit], Path]
    says: tuple[str, ...]
    by: tuple[str, ...] = ALL
    more: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    site: bool = False


def write_public_key(folder: Path) -> Path:
    """The owner's public key, as a site keeps it."""
    path = folder / "owner.pub"
    path.write_text(public_text(OWNER.public))
    return path


def resealed(bundle: Path) -> Path:
    """As the attacker who changed it seals it: he can write a manifest, but has no key."""
    seal_bundle(bundle, FACTS, None)
    return bundle
