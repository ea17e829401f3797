"""Random numbers that depend on what they are for, never on who asks first."""

from __future__ import annotations

import hashlib

import numpy as np


def generator_for(seed: int, *purpose: int | str) -> np.random.Generator:
    """Generator whose stream is fixed by the seed and the purpose alone.

    The same (seed, epoch, study, draw) gives the same numbers in any process, on any rank and after
    any resume, so worker order cannot change a training.

    Args:
        seed: The command's seed.
        purpose: Whole numbers and words that name the use, for example (epoch, study id, draw).
    """
    words = "\x1f".join([str(seed), *(str(part) for part in purpose)])
    digest = hashlib.sha256(words.encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "little")))
