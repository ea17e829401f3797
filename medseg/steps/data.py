"""From a folder to studies a bundle can take: recognised, matched, read through once, all faults at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medseg.bundle.read import Bundle
from medseg.core.errors import DatalistError, raise_faults
from medseg.core.study import Dataset, Study
from medseg.datasets.detect import read_dataset
from medseg.datasets.inspect import Inspection, describe, inspect_dataset
from medseg.datasets.instances import as_instances
from medseg.datasets.matching import match_channels
from medseg.datasets.phantom import write_phantom_cohort
from medseg.datasets.pictures import with_colours
from medseg.io.formats import is_picture

PHANTOM_NOTE = "No --data given: training on a synthetic phantom cohort; the result knows nothing about patients"
PHANTOM_STUDIES = 20  # 13 train, 3 validate, 4 are held out: enough to learn from within minutes


@dataclass(frozen=True)
class Cohort:
    """Studies ready for a bundle.

    Attributes:
        dataset: Channels in the bundle's order and names.
        inspection: What reading every file once showed.
        class_of_value: Written label value to class index.
    """

    dataset: Dataset
    inspection: Inspection
    class_of_value: Mapping[int, int]

    @property
    def digests(self) -> Mapping[str, str]:
        """Study id to the digest of its files."""
        return {facts.id: facts.digest for facts in self.inspection.studies}

    def studies(self, ids: Iterable[str]) -> list[Study]:
        """Studies of these ids, in this order."""
        by_id = {study.id: study for study in self.dataset.studies}
        return [by_id[study_id] for study_id in ids]


def load_cohort(data: Path, bundle: Bundle, *, cache: Path | None) -> Cohort:
    """Labelled studies of a folder as a bundle takes them.

    Studies without a label are left out, with a note. Every file is read once, so that whatever is
    wrong is known before training.

    Args:
        data: In any layout of ``medseg.datasets``.
        bundle: Names channels and labels.
        cache: Remembers files already read; None reads all again.

    Raises:
        DatalistError: All faults at once.
    """
    dataset = matched(read_dataset(data), bundle)
    dataset = as_instances(dataset) if bundle.labels.instances else dataset
    labelled = tuple(study for study in dataset.studies if study.label is not None)
    if not labelled:
        raise DatalistError(f"Data '{data}': none of the {len(dataset.studies)} studies has a label file to train on.")
    left_out = len(dataset.studies) - len(labelled)
    notes = (*dataset.notes, f"{left_out} studies without a label are left out") if left_out else dataset.notes
    dataset = replace(dataset, studies=labelled, notes=notes)
    inspection = inspect_dataset(dataset, bundle.labels, need_labels=True, cache=cache)
    raise_faults(f"Data '{data}' ({len(labelled)} studies)", inspection.faults, DatalistError)
    return Cohort(dataset, inspection, bundle.labels.class_of_value(dataset.label_names))


def look_at_data(data: Path) -> list[str]:
    """What a folder holds, whatever model it is for; every file is read, labels where there are some.

    Raises:
        DatalistError: All faults at once.
    """
    dataset = with_colours(read_dataset(data))
    parts = [
        (replace(dataset, studies=studies), with_labels)
        for with_labels in (True, False)
        if (studies := tuple(study for study in dataset.studies if (study.label is not None) == with_labels))
    ]
    looked = [(inspect_dataset(part, None, need_labels=labels, cache=None), part) for part, labels in parts]
    faults = [fault for inspection, _ in looked for fault in inspection.faults]
    raise_faults(f"Data '{data}' ({len(dataset.studies)} studies)", faults, DatalistError)
    return [line for inspection, part in looked for line in describe(inspection, part)]


def matched(dataset: Dataset, bundle: Bundle) -> Dataset:
    """The dataset with its channels named and ordered as the bundle's.

    Raises:
        DatalistError: It lacks a channel; it holds pictures and the bundle takes volumes, or the other way round.
    """
    channels = [channel.path for study in dataset.studies for channel in study.channels.values()]
    other = next((path for path in channels if is_picture(path) != bundle.takes_pictures), None)
    if other is not None:
        kind, wanted = ("volume", "pictures (PNG, TIFF)") if bundle.takes_pictures else ("picture", "volumes")
        raise DatalistError(f"'{other}' is a {kind}; bundle '{bundle.name}' takes {wanted}. Take another bundle")
    return match_channels(dataset, [(channel.name, *channel.aliases) for channel in bundle.channels])


def phantom_cohort(bundle: Bundle, output: Path, *, seed: int, say: Callable[[str], None]) -> Path:
    """Folder of the bundle's phantom cohort, written where it is not there yet.

    Args:
        bundle: Names the kind of phantom.
        output: The cohort goes to ``output/phantoms/<kind>-<seed>``.
        seed: Of the cohort.
        say: Shows a line to the user.

    Raises:
        DatalistError: The bundle has no phantom.
    """
    if bundle.phantom is None:
        raise DatalistError(f"Bundle '{bundle.name}' has no phantom cohort to train on; give --data DIR.")
    say(PHANTOM_NOTE)
    folder = output / "phantoms" / f"{bundle.phantom}-{seed}"
    if (folder / "PHANTOM.txt").is_file():
        return folder  # one that lies there is taken as it is, also a smaller one made for a quick look
    return write_phantom_cohort(folder, kind=bundle.phantom, studies=PHANTOM_STUDIES, seed=seed)


def summary(cohort: Cohort) -> Sequence[str]:
    """Lines that say what was found."""
    return describe(cohort.inspection, cohort.dataset)
