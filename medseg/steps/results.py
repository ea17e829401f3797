"""Write what was found in one study: label map, DICOM objects, report; all of them or none."""

from __future__ import annotations

import contextlib
import errno
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from medseg.bundle.coding import coded_labels
from medseg.bundle.label_codes import named_values
from medseg.bundle.read import Bundle
from medseg.core.errors import DicomError, OutputError
from medseg.core.formats import Compression, Format, SegType
from medseg.core.geometry import voxel_ml
from medseg.core.labels import voxels_of
from medseg.core.types import LabelArray
from medseg.core.verdict import Finding
from medseg.core.volume import Volume
from medseg.io.nifti import write_volume
from medseg.runs.report_facts import Measurement
from medseg.steps.ensemble import Ensemble
from medseg.steps.jobs import Job, Result, Scan
from medseg.steps.study_report import Circumstances, report_study

UNCERTAINTY, PROBABILITIES = "uncertainty", "probabilities"
UNFINISHED = ".tmp-medseg-"  # begins the name of the folder in which the results of a study come together


@dataclass(frozen=True)
class ResultOptions:
    """What to write.

    Attributes:
        formats: Any of ``FORMATS``.
        report: Whether to write report.html; None writes it for DICOM studies.
        seg_type: "binary", which every PACS takes, or "labelmap".
        seg_compression: See ``medseg.io.dicom_seg``.
        uncertainty: Whether to write how unsure the networks are of each voxel.
        probabilities: Whether to write the probability of each class in each voxel.
    """

    formats: tuple[Format, ...] = ("nifti",)
    report: bool | None = None
    seg_type: SegType = "binary"
    seg_compression: Compression = "none"
    uncertainty: bool = False
    probabilities: bool = False

    @property
    def extras(self) -> frozenset[str]:
        """What is wanted beside the label map."""
        wanted = {UNCERTAINTY: self.uncertainty, PROBABILITIES: self.probabilities}
        return frozenset(name for name, is_wanted in wanted.items() if is_wanted)

    @property
    def dicom(self) -> bool:
        """Whether DICOM objects are asked for."""
        return "dicom-seg" in self.formats or "dicom-sr" in self.formats


def result_files(job: Job, options: ResultOptions) -> list[str]:
    """Names of what will be written for a study, relative to the output folder."""
    names = [job.label_file] if "nifti" in options.formats else []
    if _makes_dicom(job, options):  # a measurement report refers to the segments it measured
        names.append(f"{job.id}/seg.dcm")
        names += [f"{job.id}/sr.dcm"] if "dicom-sr" in options.formats else []
    if shows_scan(job, options):
        names.append(f"{job.id}/report.html")
    return names + [f"{job.id}/{extra}.nii.gz" for extra in sorted(options.extras)]


def shows_scan(job: Job, options: ResultOptions) -> bool:
    """Whether a report with pictures of the scan is written."""
    return job.reference is not None if options.report is None else options.report


def _makes_dicom(job: Job, options: ResultOptions) -> bool:
    """A NIfTI study among DICOM ones gets its label map, where one is asked for; without, it fails and says so."""
    return options.dicom and (job.reference is not None or "nifti" not in options.formats)


def left_out(job: Job, options: ResultOptions) -> tuple[Finding, ...]:
    """What was asked for and cannot be written for this study."""
    if not options.dicom or _makes_dicom(job, options):
        return ()
    return (Finding("not_dicom", f"study '{job.id}' is not DICOM; its label map was written, no DICOM object."),)


_EXTRA_FILES = (f"{UNCERTAINTY}.nii.gz", f"{PROBABILITIES}.nii.gz")


def discard_results(output: Path, study: str) -> None:
    """Remove what an earlier inference wrote for a study, so that a study that fails now shows no old result.

    Raises:
        OutputError: A file cannot be removed.
    """
    written = (f"{study}.nii.gz", f"{study}.png")
    for name in (*written, *(f"{study}/{file}" for file in ("seg.dcm", "sr.dcm", "report.html", *_EXTRA_FILES))):
        try:
            (output / name).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"Cannot replace '{output / name}': {error.strerror or error}.") from error


@dataclass(frozen=True)
class ResultWriter:
    """Writes the results of study after study.

    Attributes:
        model: One bundle or several.
        options: What to write.
        output: Where.
        circumstances: Told in the report.
        unfinished: Begins the name of the folder in which the results of a study come together.
    """

    model: Ensemble
    options: ResultOptions
    output: Path
    circumstances: Circumstances
    unfinished: str = UNFINISHED

    def paths(self, job: Job) -> list[Path]:
        """The files that ``write`` makes of a study, in order."""
        return [self.output / name for name in result_files(job, self.options)]

    def write(self, result: Result, note: Callable[[Mapping[str, Path]], None] = lambda _: None) -> None:
        """Write everything that was asked for, checked by reading it back, or nothing.

        Args:
            result: A segmented study.
            note: Called with name and place of each file when all lie on the disk, before they take their places.

        Raises:
            OutputError: The folder cannot be written.
            DicomError: A DICOM object cannot be made for this study.
        """
        names = result_files(result.job, self.options)
        with all_or_nothing(self.output, names, self.unfinished) as paths:
            for name, path in paths.items():
                if name == result.job.label_file:
                    result.job.write_labels(path, result.labels, result.scan)
            if _makes_dicom(result.job, self.options):
                self._dicom(paths, result)
            for name, path in paths.items():
                if name.endswith("report.html"):
                    report_study(path, self.model, result, circumstances=self.circumstances, outputs=names)
            self._extras(paths, result)
            note(paths)

    def _extras(self, paths: Mapping[str, Path], result: Result) -> None:
        affine = result.scan.volume.affine_ras
        for name, path in paths.items():
            if name.endswith(f"{UNCERTAINTY}.nii.gz") and result.entropy is not None:
                write_volume(path, Volume(result.entropy[None], affine))
            if name.endswith(f"{PROBABILITIES}.nii.gz") and result.probabilities is not None:
                write_volume(path, Volume(result.probabilities, affine))

    def _dicom(self, paths: Mapping[str, Path], result: Result) -> None:
        """Imported here: highdicom takes a second to load, and most inferences write NIfTI alone."""
        from medseg.steps.dicom_results import write_dicom

        by_name = {path.name: path for path in paths.values()}
        seg_type, compression = self.options.seg_type, self.options.seg_compression
        seg, sr = by_name["seg.dcm"], by_name.get("sr.dcm")
        write_dicom(seg, sr, self.model, result, seg_type=seg_type, compression=compression)


def measurements_of(bundle: Bundle, job: Job, labels: LabelArray, scan: Scan) -> tuple[Measurement, ...]:
    """Volume of each label, then of each region, as written to the label map."""
    colours = {one.name: one.colour for one in bundle.coded}
    single = {label.name for label in bundle.labels.labels}
    ml = voxel_ml(scan.volume.affine_ras)
    counts = voxels_of(labels, set(job.value_of.values()))
    found = []
    for name, own in named_values(bundle.labels):
        values = tuple(job.value_of[value] for value in own)
        voxels = sum(counts[value] for value in set(values))
        found.append(Measurement(name, values, voxels * ml, voxels, name not in single, colours.get(name)))
    return tuple(found)


@contextlib.contextmanager
def all_or_nothing(output: Path, names: Sequence[str], unfinished: str = UNFINISHED) -> Iterator[Mapping[str, Path]]:
    """Give a temporary path for each name; at the end all move to their place, at an error none does.

    Raises:
        OutputError: The folder cannot be written.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=unfinished, dir=output) as folder:
            paths = {name: Path(folder) / name for name in names}
            yield paths
            for name in names:  # whatever is in the way shows before the first file moves
                (output / name).parent.mkdir(exist_ok=True)
                if (output / name).is_dir():
                    raise IsADirectoryError(errno.EISDIR, f"'{name}' is a folder")
            for name, path in paths.items():
                path.replace(output / name)
    except OSError as error:
        raise OutputError(
            f"Cannot write to '{output}': {error.strerror or error}. Free space or choose another --output."
        ) from error


def check_writable(bundle: Bundle, jobs: Sequence[Job], options: ResultOptions, *, is_all: bool = True) -> None:
    """Refuse, before the long work, what could not be written after it.

    Raises:
        BundleError: DICOM objects are asked for and a label has no code.
        UsageError: This type of segmentation cannot have this compression.
        DicomError: DICOM objects are asked for and no study is DICOM.
    """
    if not options.dicom:
        return
    from medseg.io.dicom_seg import check_encoding

    check_encoding(options.seg_type, options.seg_compression)
    coded_labels(bundle)
    if is_all and jobs and all(job.reference is None for job in jobs):  # a part may have none of the DICOM studies
        raise DicomError("--format dicom-seg and dicom-sr need DICOM input; none of the studies is DICOM.", "no_uids")
