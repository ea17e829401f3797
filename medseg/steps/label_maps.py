"""Find the label maps of an evaluation: a file per study, whatever the folder they lie in looks like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from medseg.core.errors import DatalistError, FileError, raise_faults
from medseg.core.study import ChannelFile, Study
from medseg.datasets.dataset_json import description_in, label_names_of
from medseg.datasets.detect import DATASETS, read_dataset
from medseg.datasets.listing import contents, scans_in
from medseg.io.dicom_seg_find import find_segs
from medseg.io.formats import is_readable, study_stem
from medseg.runs.record import inference_records, read_inference

Kind = Literal["nifti", "seg"]

_IMAGES_ONLY = "files"  # the layout of a folder of image files; here they are label maps
_LOOKED_FOR = "STUDY.nii.gz, STUDY.dcm or STUDY/….dcm (DICOM SEG), a folder that `medseg infer` wrote, or a dataset"


@dataclass(frozen=True)
class LabelFile:
    """Where the label map of one study is.

    Attributes:
        study: Its id.
        path: The file.
        kind: A file of label values (NIfTI, or a picture), or DICOM SEG.
        patient: Whose it is; the study's id where nothing says.
        image: What it was drawn on, the last channel of its dataset; None where unknown.
        written: Values other than 0 that its inference may write, found or not; None where unknown.
        names: Written value to name, as its inference recorded it; None where unknown.
        instances: Its values number objects of one label: all above 0 are read as 1.
    """

    study: str
    path: Path
    kind: Kind
    patient: str
    image: ChannelFile | None = None
    written: tuple[int, ...] | None = None
    names: Mapping[int, str] | None = None
    instances: bool = False


@dataclass(frozen=True)
class LabelMaps:
    """The label maps at a path.

    Attributes:
        root: The path that was given.
        layout: What was recognised, in words.
        files: Study id to file, in the order of ids.
        label_names: Written value to name where the layout declares it.
        absent: Study id to the reason why it has no label map, a phrase.
        notes: What the user should know, one sentence each.
        single: Whether one file was given.
    """

    root: Path
    layout: str
    files: Mapping[str, LabelFile]
    label_names: Mapping[int, str] | None = None
    absent: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    single: bool = False


def find_label_maps(path: Path) -> LabelMaps:
    """Label maps at a path, one per study; no voxels are read.

    Args:
        path: A dataset in any layout, whose labels are taken; a folder that ``medseg infer`` wrote; a folder of NIfTI
            files or DICOM SEG; or one such file. A study that has both kinds is read from NIfTI, with a note.

    Raises:
        DatalistError: No such path, no label map, or a study has two; all faults at once. As ``read_dataset``.
    """
    if not path.exists():
        raise DatalistError(f"'{path}' does not exist; check the path")
    if any(layout.recognise(path) for name, layout in DATASETS.items() if name != _IMAGES_ONLY):
        return _of_dataset(path)
    return _of_folder(path) if path.is_dir() else _of_file(path)


def _of_dataset(path: Path) -> LabelMaps:
    dataset = read_dataset(path)
    files = {study.id: _labelled(study, study.label) for study in dataset.studies if study.label is not None}
    if not files:
        raise DatalistError(
            f"'{path}' ({dataset.layout}): none of its {len(dataset.studies)} studies has a label. "
            "Give the folder of the label maps."
        )
    absent = {study.id: f"'{path}' has no label for it" for study in dataset.studies if study.id not in files}
    return LabelMaps(path, dataset.layout, files, dataset.label_names, absent, dataset.notes)


def _labelled(study: Study, label: Path) -> LabelFile:
    image = list(study.channels.values())[-1]
    return LabelFile(study.id, label, "nifti", study.patient, image, instances=study.instances)


def _of_file(path: Path) -> LabelMaps:
    if is_readable(path):
        found = LabelFile(study_stem(path), path, "nifti", study_stem(path))
    elif find_segs(path).segs:
        found = _seg(path.stem, path)
    else:
        raise DatalistError(f"'{path}' is no label map; give a NIfTI file, a DICOM SEG, a datalist (.json) or a folder")
    return LabelMaps(path, "one file", {found.study: found}, single=True)


def _of_folder(path: Path) -> LabelMaps:
    niftis = _by_study((study_stem(file), file) for file in scans_in(path))
    segs = _segs_in(path, but=niftis)
    both = [study for study in segs if study in niftis]
    doubled = [(study, files) for group in (niftis, segs) for study, files in group.items() if len(files) > 1]
    faults = [
        f"study '{study}' has {len(files)} label maps ({_some(path, files)}); keep one" for study, files in doubled
    ]
    raise_faults(f"'{path}'", faults, DatalistError)
    files = {study: LabelFile(study, paths[0], "nifti", study) for study, paths in niftis.items()}
    files |= {study: _seg(study, paths[0]) for study, paths in segs.items() if study not in niftis}
    count = "1 study has" if len(both) == 1 else f"{len(both)} studies have"
    notes = [f"'{path}': {count} a NIfTI file and a DICOM SEG; NIfTI is read"] if both else []
    maps = _with_record(LabelMaps(path, "folder of label maps", dict(sorted(files.items())), notes=tuple(notes)))
    if not maps.files and not maps.absent:
        raise DatalistError(f"'{path}' holds no label map. Found: {contents(path)}. Looked for: {_LOOKED_FOR}")
    return _with_names(maps)


def _by_study(found: Iterable[tuple[str, Path]]) -> dict[str, list[Path]]:
    grouped: dict[str, list[Path]] = {}
    for study, path in found:
        grouped.setdefault(study, []).append(path)
    return grouped


def _segs_in(path: Path, *, but: Iterable[str]) -> dict[str, list[Path]]:
    """Study to its SEG files; a damaged file counts only where the study has nothing else."""
    found = find_segs(path)
    segs = _by_study((_study_of(path, file), file) for file in found.segs)
    damaged = _by_study((_study_of(path, file), file) for file in found.damaged)
    return segs | {study: files for study, files in damaged.items() if study not in {*segs, *but}}


def _study_of(root: Path, file: Path) -> str:
    """Of ROOT/STUDY.dcm and ROOT/STUDY/anything: STUDY."""
    first = file.relative_to(root).parts[0]
    return first if first != file.name or file.suffix.lower() != ".dcm" else file.stem


def _seg(study: str, path: Path) -> LabelFile:
    return LabelFile(study, path, "seg", study)


def _with_record(maps: LabelMaps) -> LabelMaps:
    """With what the run.json of an inference knows: failed studies, which values it writes, and what they mean."""
    if not inference_records(maps.root):
        return maps
    try:
        record = read_inference(maps.root)
    except FileError as error:
        return replace(maps, notes=(*maps.notes, f"why predictions are missing is unknown: {error}"))
    if record.get("verb") != "infer":
        return maps
    told = [one for one in record.get("studies") or () if isinstance(one, dict) and isinstance(one.get("study"), str)]
    known = {one["study"]: one for one in told}
    absent = {one["study"]: f"inference failed: {_one_line(one['reason'])}" for one in told if one.get("reason")}
    stopped = [f"'{maps.root}': the inference did not finish"] if record.get("outcome") != "finished" else []
    older = [_older(maps.files[study]) for study in absent if study in maps.files]
    return replace(
        maps,
        layout="folder that medseg infer wrote",
        files={
            study: _with_values(file, known.get(study, {})) for study, file in maps.files.items() if study not in absent
        },
        absent=absent,
        notes=(*maps.notes, *stopped, *older),
    )


def _older(file: LabelFile) -> str:
    return f"'{file.path}' is not read: run.json says that the inference of this study failed, so the file is older"


def _with_values(file: LabelFile, told: Mapping[str, Any]) -> LabelFile:
    names = told.get("label_names")
    named = isinstance(names, dict) and all(isinstance(name, str) for name in names.values())
    values = _values(names) if named else None  # none in what an earlier version wrote
    return replace(
        file,
        written=_values(told.get("labels")),
        names={value: names[str(value)] for value in values} if isinstance(names, dict) and values else None,
    )


def _values(labels: Any) -> tuple[int, ...] | None:
    if not isinstance(labels, Mapping) or not all(str(value).isdecimal() for value in labels):
        return None
    return tuple(sorted(int(value) for value in labels))


def _with_names(maps: LabelMaps) -> LabelMaps:
    """With the label names of a dataset.json beside the label maps, as nnU-Net leaves it there."""
    try:
        names = label_names_of(description_in(maps.root) or {})
    except DatalistError as error:
        return replace(maps, notes=(*maps.notes, f"the label names in the dataset.json are not used: {error}"))
    return replace(maps, label_names=names)


def _one_line(reason: Any) -> str:
    return " ".join(str(reason).split())


def _some(root: Path, files: Sequence[Path]) -> str:
    names = [str(file.relative_to(root)) for file in sorted(files)]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
