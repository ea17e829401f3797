"""Which folder convention a path follows; a new layout is one row here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from medseg.core.errors import DatalistError, raise_faults
from medseg.core.study import Dataset
from medseg.datasets.brats import is_brats, read_brats
from medseg.datasets.datalist import is_datalist, read_datalist
from medseg.datasets.decathlon import is_decathlon, read_decathlon
from medseg.datasets.folder import is_files, is_pairs, read_files, read_pairs
from medseg.datasets.listing import contents
from medseg.datasets.nnunet import is_nnunet, read_nnunet


class Layout(NamedTuple):
    """One folder convention.

    Attributes:
        recognise: Whether a path follows it.
        read: Its studies.
        looks_like: What it is recognised by, for the message where nothing fits.
    """

    recognise: Callable[[Path], bool]
    read: Callable[[Path], Dataset]
    looks_like: str


# Tried in this order; the stricter ones come first.
DATASETS: Mapping[str, Layout] = {
    "datalist": Layout(is_datalist, read_datalist, 'a .json file: {"training": [{"image": …, "label": …}]}'),
    "nnunet": Layout(is_nnunet, read_nnunet, "dataset.json, imagesTr/X_0000.nii.gz, labelsTr/X.nii.gz"),
    "decathlon": Layout(is_decathlon, read_decathlon, "dataset.json that lists 'training' images and labels"),
    "pairs": Layout(is_pairs, read_pairs, "images/X.nii.gz, labels/X.nii.gz, or imagesTr/ and labelsTr/"),
    "brats": Layout(is_brats, read_brats, "X/X_t1.nii.gz, X_t1ce, X_t2, X_flair, X_seg, or X-t1n, X-t1c, X-t2w, X-t2f"),
    "files": Layout(is_files, read_files, "image files, or one image file: to segment, not to train on"),
}


def read_dataset(path: Path) -> Dataset:
    """Studies at a path, by the first layout that recognises it.

    Raises:
        DatalistError: The path does not exist, no layout fits, it holds no study, or two studies
            share an id; also whatever the layout finds wrong, all at once.
    """
    if not path.exists():
        raise DatalistError(f"Data '{path}' does not exist; check the path")
    layout = next((layout for layout in DATASETS.values() if layout.recognise(path)), None)
    if layout is None:
        raise DatalistError(_unrecognised(path))
    dataset = layout.read(path)
    if not dataset.studies:
        raise DatalistError(f"Data '{path}' ({dataset.layout}): holds no study; looked for {layout.looks_like}")
    raise_faults(f"Data '{path}' ({dataset.layout})", _id_faults(dataset), DatalistError)
    return dataset


def _id_faults(dataset: Dataset) -> list[str]:
    counts = Counter(study.id for study in dataset.studies)
    faults = [f"study id '{name}' is used {count} times; make it unique" for name, count in counts.items() if count > 1]
    # Ids become file names of results.
    unsafe = [name for name in counts if not name or name.startswith(".") or set(name) & set('/\\\0:*?"<>|')]
    return faults + [f"study id {name!r} cannot be a file name; use letters, digits, '-' and '_'" for name in unsafe]


def _unrecognised(path: Path) -> str:
    if path.is_file():
        return f"Data '{path}': not a file medseg reads; give a NIfTI file, PNG or TIFF, a datalist (.json) or a folder"
    lines = [f"Data '{path}': no known layout. Found: {contents(path)}. Looked for:"]
    lines += [f"  {name}: {layout.looks_like}" for name, layout in DATASETS.items()]
    if (path / "masks").is_dir():
        lines.append("Rename masks/ to labels/ if it holds the labels of images/.")
    return "\n".join(lines)
