"""Keep preprocessed studies in memory or on disk, so that each is prepared once."""

from __future__ import annotations

import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from medseg.core.errors import OutputError
from medseg.transforms.prepared import Prepared

FORMAT = 1  # raise when what lies in a cache folder changes shape


class DiskCache:
    """Prepared studies as folders of .npy files, named by what they were made from.

    The key holds the digests of the files, the preprocessing and the versions, so an entry can be
    stale only by never being asked for again. Arrays are memory-mapped: any number of workers and
    ranks share one copy.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, key: str) -> Prepared | None:
        """Prepared study of this key; None where there is none or it is damaged."""
        place = self.folder / key
        try:
            image, label = np.load(place / "image.npy", mmap_mode="r"), np.load(place / "label.npy", mmap_mode="r")
            with np.load(place / "facts.npz", allow_pickle=False) as facts:
                positions = {int(name[1:]): facts[name] for name in facts.files if name.startswith("c")}
                i, j, k = (float(s) for s in facts["spacing_mm"])
                return Prepared(str(facts["id"]), image, label, positions, (i, j, k))
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return None

    def store(self, key: str, study: Prepared) -> Prepared:
        """Write a study and give it back memory-mapped.

        Raises:
            OutputError: The cache folder cannot be written or the disk is full.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=".tmp-", dir=self.folder))
            try:
                _write(temporary, study)
                self._take_place(temporary, self.folder / key)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
        except OSError as error:
            reason = error.strerror or error
            raise OutputError(
                f"Cannot write the cache '{self.folder}': {reason}. "
                "Free space, or choose --cache memory or another --cache-dir."
            ) from error
        return self.load(key) or study

    def _take_place(self, temporary: Path, place: Path) -> None:
        if self.load(place.name) is None:
            shutil.rmtree(place, ignore_errors=True)  # a damaged entry
        try:
            os.rename(temporary, place)
        except OSError:
            if not place.exists():  # else another process was first, with the same content
                raise


def _write(folder: Path, study: Prepared) -> None:
    np.save(folder / "image.npy", study.image)
    np.save(folder / "label.npy", study.label)
    positions = {f"c{index}": voxels for index, voxels in study.positions.items()}
    np.savez(folder / "facts.npz", id=np.asarray(study.id), spacing_mm=np.asarray(study.spacing_mm), **positions)  # type: ignore[arg-type]
