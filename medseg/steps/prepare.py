"""Preprocess studies once and keep them in memory or on disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import monai
from monai.transforms import Compose

from medseg import __version__
from medseg.core.files import digest_of
from medseg.core.machine import free_memory_bytes, studies_at_once
from medseg.core.study import Study
from medseg.io.study import read_study, read_study_label
from medseg.transforms.cache import FORMAT, DiskCache
from medseg.transforms.prepared import Prepared, prepare

# Prepared studies may take this share of the memory that is free; the network needs the rest.
MEMORY_SHARE = 0.3
BYTES_PER_VOXEL = 5  # one float32 channel and one uint8 label; further channels add four each


def prepare_study(study: Study, preprocessing: Compose, class_of_value: Mapping[int, int]) -> Prepared:
    """Read and preprocess one labelled study."""
    label, affine = read_study_label(study)
    return prepare(
        study.id, read_study(study), label, affine, preprocessing=preprocessing, class_of_value=class_of_value
    )


def prepare_all(
    studies: Sequence[Study],
    *,
    preprocessing: Compose,
    class_of_value: Mapping[int, int],
    cache: DiskCache | None,
    key_of: Callable[[Study], str],
    advance: Callable[[], None],
) -> list[Prepared]:
    """Prepared studies, in the order given, ``studies_at_once()`` at a time.

    Args:
        studies: Labelled studies.
        preprocessing: The bundle's chain behind its LoadImaged.
        class_of_value: Written label value to class index.
        cache: Where they are kept on disk; None keeps them in memory.
        key_of: Name of a study's entry in the cache.
        advance: Called after each.
    """

    def one(study: Study) -> Prepared:
        stored = cache.load(key_of(study)) if cache else None
        if stored is None:
            stored = prepare_study(study, preprocessing, class_of_value)
            stored = cache.store(key_of(study), stored) if cache else stored
        return stored

    def each() -> Iterator[Prepared]:
        with ThreadPoolExecutor(studies_at_once()) as pool:
            for prepared in pool.map(one, studies):
                advance()
                yield prepared

    return list(each())


def prepare_timed(
    studies: Sequence[Study], preprocessing: Compose, class_of_value: Mapping[int, int]
) -> tuple[list[Prepared], float]:
    """Prepared studies in memory, ``studies_at_once()`` at a time, and the seconds that takes.

    The clock of the whole would say too much of a few studies: at their end threads stand idle. So the seconds are
    those of every study together, shared by the threads.

    Args:
        studies: Labelled studies, at least one.
        preprocessing: The bundle's chain behind its LoadImaged.
        class_of_value: Written label value to class index.

    Returns:
        The studies in the order given; seconds.
    """

    def one(study: Study) -> tuple[Prepared, float]:
        began_s = time.monotonic()
        return prepare_study(study, preprocessing, class_of_value), time.monotonic() - began_s

    threads = studies_at_once()
    with ThreadPoolExecutor(threads) as pool:
        done = list(pool.map(one, studies))
    return [prepared for prepared, _ in done], sum(seconds for _, seconds in done) / min(threads, len(done))


def size_gib(studies: Iterable[Prepared]) -> float:
    """What prepared studies take where they are kept in memory."""
    return sum(one.image.nbytes + one.label.nbytes for one in studies) / 2**30


def cache_key(study_id: str, files_digest: str, chain: object, class_of_value: Mapping[int, int]) -> str:
    """Name of a study's cache entry: changes with its id and files, the chain, the labels and the versions."""
    values = sorted(class_of_value.items())
    return digest_of([FORMAT, __version__, monai.__version__, study_id, files_digest, chain, values])[:32]


def fits_memory(voxels: int, channels: int, *, ranks: int) -> bool:
    """Whether prepared studies of so many voxels in all fit into the memory that is free."""
    needed = voxels * (BYTES_PER_VOXEL + 4 * (channels - 1)) * ranks
    return needed < MEMORY_SHARE * free_memory_bytes()
