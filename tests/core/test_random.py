import subprocess
import sys

import numpy as np

from medseg.core.random import generator_for


def test_the_same_purpose_gives_the_same_numbers() -> None:
    assert generator_for(3, 1, "P1").random(5).tolist() == generator_for(3, 1, "P1").random(5).tolist()


def test_another_seed_epoch_or_study_gives_other_numbers() -> None:
    purposes = [(3, 1, "P1"), (4, 1, "P1"), (3, 2, "P1"), (3, 1, "P2"), (3, 11, "P"), (3, "1P1")]
    assert len({generator_for(*purpose).random() for purpose in purposes}) == len(purposes)


def test_words_are_kept_apart() -> None:
    assert generator_for(0, "ab", "c").random() != generator_for(0, "a", "bc").random()


def test_another_process_gets_the_same_numbers() -> None:
    code = "from medseg.core.random import generator_for; print(generator_for(7, 'order', 2).integers(2**62))"
    text = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(text) == generator_for(7, "order", 2).integers(2**62)


def test_streams_of_neighbouring_purposes_are_not_correlated() -> None:
    streams = np.stack([generator_for(0, n).random(2000) for n in range(8)])
    assert np.abs(np.corrcoef(streams) - np.eye(8)).max() < 0.12  # 5 standard errors of 1 / sqrt(2000)
