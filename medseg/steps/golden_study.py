"""Make the golden study of a package, and compute it again elsewhere: does this machine do what was validated?"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from medseg.bundle.golden import EXPECTED, LEAST_DICE, Golden, channel_file, read_golden, write_golden
from medseg.bundle.read import Bundle
from medseg.core.errors import BundleError, DatalistError
from medseg.core.machine import default_folder
from medseg.core.types import LabelArray
from medseg.core.volume import Volume
from medseg.datasets.detect import read_dataset
from medseg.datasets.phantom import write_phantom_cohort
from medseg.engine.device import choose_device
from medseg.engine.inference import Predictor
from medseg.io.nifti import read_label, read_volume, write_labels, write_volume
from medseg.io.study import read_study
from medseg.steps.computing import Computing
from medseg.steps.data import matched
from medseg.steps.golden_noise import draw_noise
from medseg.steps.label_dice import dice_of_labels, mask_of
from medseg.steps.predictors import predictor_of

SEED = 2026
DRAWN = 6  # scans, of which the one that shows most is kept: networks know patients, not drawings
SCALE = 0.5  # of the phantom brain: 48 x 56 x 48 voxels, a megabyte in a package
WHOLE = 1.0  # of the others
MOST_VOXELS = 2**24  # over all channels; what is larger does not belong into every package
_INT16 = np.iinfo(np.int16)
PHANTOM_SOURCE = "drawn by medseg from random numbers; no patient was scanned"
PHANTOM_LICENCE = "Apache-2.0"
GIVEN_SOURCE = "a scan that was given when it was packaged"  # not its name, which may be a patient's


@dataclass(frozen=True)
class Agreement:
    """How a label map agrees with the one that is expected.

    Attributes:
        how: What computed it, in words.
        dice: Of each label; 1 where both are empty.
        must_hold: Whether it has to reach ``LEAST_DICE``: what is faster than fp32 may differ.
    """

    how: str
    dice: dict[str, float]
    must_hold: bool = True

    @property
    def holds(self) -> bool:
        """Whether it is as good as it has to be."""
        return not self.must_hold or self.least >= LEAST_DICE

    @property
    def least(self) -> float:
        """Of the label that agrees worst."""
        return min(self.dice.values())


def make_golden(bundle: Bundle, study: Path | None, *, licence: str = "") -> Golden:
    """Write a golden study into a bundle's folder: the scan, and what its network finds in it in fp32.

    Args:
        bundle: With weights; its validity says what a drawn scan looks like where there is no phantom.
        study: A scan that may be given away; None draws one.
        licence: Under which it may be; text, needed where ``study`` is given.

    Raises:
        BundleError: The network finds nothing there, so that the study would prove nothing.
        DatalistError: The scan does not fit the bundle, is several, or is too large.
    """
    volumes, source = _drawn(bundle) if study is None else ([_given(bundle, study)], GIVEN_SOURCE)
    predictor, found = _predictor(bundle, Computing("cpu", exact=True)), []
    for volume in map(_storable, volumes):
        expected = predictor.predict(Volume(volume.array.astype(np.float32), volume.affine_ras))
        found.append((volume, expected, _voxels(bundle, expected)))
    volume, expected, voxels = max(found, key=lambda one: sorted(one[2].values()))  # that with most of the rarest label
    if not any(voxels.values()):
        raise BundleError(
            f"The network of bundle '{bundle.name}' finds no label in the golden study ({source}), which would prove "
            "nothing. Give a small scan that may be given away, and in which it finds some, with --golden."
        )
    files = _write_scan(bundle, volume)
    write_labels(bundle.root / EXPECTED, expected, volume.affine_ras)
    golden = Golden(source, licence or PHANTOM_LICENCE, files, EXPECTED.as_posix(), voxels)
    write_golden(bundle.root, golden)
    return golden


def verify_golden(bundle: Bundle, say: Callable[[str], None]) -> list[Agreement]:
    """Compute the golden study of a bundle on this machine: in fp32 as it was packaged, and as `medseg infer` would.

    Where infer would take a GPU, fp32 is tried on it too: what is exact on the processor says nothing of the GPU.

    Args:
        bundle: With weights and a golden study.
        say: Shows a line to the user.

    Returns:
        Each agreement, that of infer last.

    Raises:
        BundleError: There is no golden study, or it is damaged.
    """
    golden = read_golden(bundle.root, tuple(channel.name for channel in bundle.channels))
    volume = volume_of(bundle, golden.channels)
    expected, _ = read_label(bundle.root / golden.expected)
    if expected.shape != volume.shape:
        raise BundleError(f"'{bundle.root / golden.expected}' has shape {expected.shape}, its scan {volume.shape}.")
    if not any(_voxels(bundle, expected).values()):
        raise BundleError(f"'{bundle.root / golden.expected}' shows no label of the bundle, and so proves nothing.")
    here, found = choose_device("auto"), []
    ways = [("in fp32, as packaged", Computing("cpu", exact=True)), ("as infer does here", Computing())]
    if here.type != "cpu":
        ways.insert(1, (f"in fp32 on {here}", Computing(exact=True)))
    for how, computing in ways:
        labels = _predictor(bundle, computing).predict(volume)
        agreement = Agreement(how, dice_of_labels(labels, expected, bundle.labels), must_hold=computing.exact)
        say(f"golden study {how}: Dice " + ", ".join(f"{name} {one:.4f}" for name, one in agreement.dice.items()))
        found.append(agreement)
    return found


def volume_of(bundle: Bundle, files: Mapping[str, str]) -> Volume:
    """The scan of a golden study, channels in the bundle's order, float32.

    Args:
        bundle: Whose folder holds it.
        files: Channel to file, relative to that folder.

    Raises:
        BundleError: Its channels are of different shapes.
        FileError: A file cannot be read.
        GeometryError: A file cannot be placed in the patient.
    """
    volumes = [read_volume(bundle.root / files[channel.name]) for channel in bundle.channels]
    shapes = {one.array.shape for one in volumes}
    if len(shapes) > 1 or volumes[0].array.shape[0] != 1:
        raise BundleError(
            f"The golden study of bundle '{bundle.name}' has channels of shapes {', '.join(map(str, sorted(shapes)))}; "
            "each must have one scan (1, I, J, K), and all the same. Get the bundle again."
        )
    return Volume(np.concatenate([one.array for one in volumes]), volumes[0].affine_ras)


def _predictor(bundle: Bundle, how: Computing) -> Predictor:
    return predictor_of([bundle], how, memory=default_folder() / "measured.json")


def _voxels(bundle: Bundle, labels: LabelArray) -> dict[str, int]:
    return {label.name: int(np.count_nonzero(mask_of(labels, label))) for label in bundle.labels.labels}


def _write_scan(bundle: Bundle, volume: Volume) -> dict[str, str]:
    """Write each channel; gives its file."""
    files = {}
    for n, channel in enumerate(bundle.channels):
        write_volume(bundle.root / channel_file(n), Volume(volume.array[n : n + 1], volume.affine_ras))
        files[channel.name] = channel_file(n).as_posix()
    return files


def _drawn(bundle: Bundle) -> tuple[list[Volume], str]:
    """Some phantoms where the bundle names a kind; else noise in the range of what it was trained on."""
    if bundle.phantom is None:
        return [draw_noise(bundle, seed=SEED + n) for n in range(DRAWN)], f"noise, {PHANTOM_SOURCE}"
    with tempfile.TemporaryDirectory() as folder:
        scale = SCALE if bundle.phantom == "brain_tumour" else WHOLE
        cohort = write_phantom_cohort(Path(folder) / "p", kind=bundle.phantom, studies=DRAWN, seed=SEED, scale=scale)
        studies = matched(read_dataset(cohort), bundle).studies
        return [read_study(study) for study in studies], f"phantom, {PHANTOM_SOURCE}"


def _given(bundle: Bundle, place: Path) -> Volume:
    studies = matched(read_dataset(place), bundle).studies
    if len(studies) != 1:
        raise DatalistError(f"--golden '{place}' holds {len(studies)} studies; give one.")
    volume = read_study(studies[0])
    if volume.array.size > MOST_VOXELS:
        raise DatalistError(
            f"--golden '{place}' has {volume.array.size} voxels in all channels; at most {MOST_VOXELS} go into every "
            "package. Give a smaller scan, or a part of one."
        )
    return volume


def _storable(volume: Volume) -> Volume:
    """Whole numbers where that changes little, in half the bytes; what is expected is computed from these."""
    array = volume.array.astype(np.float32)
    span = float(array.max() - array.min())
    if span < 100 or array.min() < _INT16.min or array.max() > _INT16.max:
        return Volume(array, volume.affine_ras)
    return Volume(np.rint(array).astype(np.int16), volume.affine_ras)
