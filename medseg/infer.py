"""Segment studies: `python -m medseg.infer --bundle RUN_OR_BUNDLE --input PATH --output DIR`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from medseg.bundle.plain_torch import is_plain_torch
from medseg.core.command import Parser, gib, leave, pairs, part_of, run_command
from medseg.core.errors import EXIT_DONE, EXIT_SOME_FAILED
from medseg.core.formats import FORMATS, SEG_COMPRESSIONS, SEG_TYPES, Compression, Format, SegType
from medseg.core.lean_import import import_monai_lean, import_nibabel_lean
from medseg.steps.computing import Computing
from medseg.steps.dicom_options import DicomOptions
from medseg.steps.ensemble import Ensemble, check_trained, read_ensemble

if TYPE_CHECKING:
    from medseg.steps.jobs import Outcome, Worklist


@dataclass(frozen=True)
class InferRequest:
    """What to segment with what.

    Attributes:
        bundle: Name, folder or run of a trained model.
        inputs: Files, study folders, or datasets in any layout.
        output: Folder of the label maps.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: auto is bf16 where the device computes it natively, else fp32.
        engine: What runs the networks: torch, compile, onnx or openvino; auto is torch.
        exact: Windows where stock MONAI lays them; in fp32, and that is then auto, its label map voxel for voxel.
        keep_memory: Whether the C library keeps freed memory.
        series: Channel to SeriesNumber or SeriesInstanceUID, where a DICOM study's rules are not to decide.
        select: Attribute to value: keeps one volume of a DICOM series that holds several.
        resample_tilt: Whether a series from a tilted gantry is resampled onto an orthogonal grid.
        formats: What to write: "nifti", "dicom-seg", "dicom-sr".
        seg_type: Kind of DICOM segmentation, "binary" or "labelmap".
        seg_compression: Of the DICOM segmentation: "none", "rle", "jpegls" or "j2k".
        report: Whether to write a report page; None writes it for DICOM studies.
        more_bundles: Further trained models; the probabilities of all are averaged.
        tta: Whether mirror images are averaged too, along the axes that the bundles allow.
        part: Number of this part of the studies, from 1, and of all parts.
        go_on: Whether studies that an interrupted inference has done are left as they are.
        uncertainty: Whether to write how unsure the networks are of each voxel, and one number for each label.
        probabilities: Whether to write the probability of each class in each voxel.
        max_memory_gib: Main memory that may be taken; None for most of what is free.
    """

    bundle: str
    inputs: tuple[Path, ...]
    output: Path
    device: str = "auto"
    precision: str = "auto"
    engine: str = "auto"
    exact: bool = False
    keep_memory: bool = True
    series: Mapping[str, str] = field(default_factory=dict)
    select: Mapping[str, str] = field(default_factory=dict)
    resample_tilt: bool = False
    formats: tuple[Format, ...] = ("nifti",)
    seg_type: SegType = "binary"
    seg_compression: Compression = "none"
    report: bool | None = None
    more_bundles: tuple[str, ...] = ()
    tta: bool = False
    part: tuple[int, int] = (1, 1)
    go_on: bool = False
    uncertainty: bool = False
    probabilities: bool = False
    max_memory_gib: float | None = None


def parser() -> Parser:
    """Options of the verb."""
    options = Parser(
        prog="medseg infer",
        description="Segment studies with a trained bundle. One bad study never stops the others; run.json says why.",
        epilog="Exit code 3: finished, but some studies failed.",
    )
    options.add_argument(
        "--bundle",
        required=True,
        nargs="+",
        action="extend",
        help="name, folder, or run folder of a trained model; of several, or a cross-validation, the mean is taken",
    )
    options.add_argument(
        "--input",
        required=True,
        nargs="+",
        type=Path,
        metavar="PATH",
        help="file, study folder, dataset in any layout, or folder of DICOM",
    )
    options.add_argument(
        "--tta",
        action="store_true",
        help="segment every mirror image too, along the axes that the bundle allows, and take the mean",
    )
    options.add_argument(
        "--output",
        required=True,
        type=Path,
        metavar="DIR",
        help="writes DIR/<study>.nii.gz, DIR/<study>/… and DIR/run.json",
    )
    options.add_argument(
        "--continue",
        dest="go_on",
        action="store_true",
        help="go on with an interrupted inference into DIR: what it has done stays",
    )
    options.add_argument(
        "--part",
        metavar="K/N",
        help="do every N-th study, from the K-th: N machines share a cohort",
    )
    options.add_argument(
        "--format",
        nargs="+",
        choices=FORMATS,
        default=["nifti"],
        help="what to write, one or more; the DICOM ones need DICOM input, dicom-sr brings dicom-seg with it",
    )
    options.add_argument(
        "--report",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="a page with pictures and volumes per study (default: for DICOM input)",
    )
    options.add_argument(
        "--uncertainty",
        action="store_true",
        help="also DIR/<study>/uncertainty.nii.gz, 0 sure to 1 no idea, and in run.json the mean of each label",
    )
    options.add_argument(
        "--save-probabilities", action="store_true", help="also DIR/<study>/probabilities.nii.gz, of each class; large"
    )
    options.add_argument(
        "--series",
        action="append",
        default=[],
        metavar="CHANNEL=NUMBER",
        help="name the DICOM series of a channel by number or UID instead of by the bundle's rules",
    )
    options.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="ATTRIBUTE=VALUE",
        help="keep one volume of a DICOM series that holds several, for example EchoTime=4.92",
    )
    options.add_argument(
        "--resample-tilt", action="store_true", help="resample a series from a tilted gantry onto an orthogonal grid"
    )
    options.add_argument("--seg-type", choices=SEG_TYPES, default="binary", help="binary is what every PACS takes")
    options.add_argument(
        "--seg-compression", choices=SEG_COMPRESSIONS, default="none", help="none for binary; rle, jpegls for labelmap"
    )
    options.add_argument("--device", default="auto", metavar="D", help="auto, cpu, cuda, cuda:N or mps")
    options.add_argument(
        "--precision",
        choices=("fp32", "bf16", "fp16", "auto"),
        default="auto",
        help="auto (default) is bf16 where the device computes it natively, else fp32; with --exact fp32",
    )
    options.add_argument(
        "--engine",
        choices=("auto", "torch", "compile", "onnx", "openvino"),
        default="auto",
        help="what runs the network; auto (default) is torch, in the layout that was measured to be the fastest",
    )
    options.add_argument(
        "--exact", action="store_true", help="the label map of stock MONAI: its windows, in fp32; slower"
    )
    options.add_argument(
        "--max-memory",
        type=gib,
        metavar="SIZE",
        help="main memory that may be taken, such as 6GB (default: most of what is free); slower where it is little",
    )
    options.add_argument("--allocator", choices=("keep", "system"), default="keep", help="whether freed memory is kept")
    options.add_argument("--json", action="store_true", help="end with one line of JSON instead of the output's path")
    return options


def run(options: argparse.Namespace) -> int:
    """Segment as the options say; see ``parser``."""
    request = InferRequest(
        bundle=options.bundle[0],
        more_bundles=tuple(options.bundle[1:]),
        tta=options.tta,
        inputs=tuple(options.input),
        output=options.output,
        device=options.device,
        precision=options.precision,
        engine=options.engine,
        exact=options.exact,
        keep_memory=options.allocator == "keep",
        series=pairs(options.series, "--series"),
        select=pairs(options.select, "--select"),
        resample_tilt=options.resample_tilt,
        formats=tuple(dict.fromkeys(options.format)),
        seg_type=options.seg_type,
        seg_compression=options.seg_compression,
        report=options.report,
        part=(1, 1) if options.part is None else part_of(options.part),
        go_on=options.go_on,
        uncertainty=options.uncertainty,
        probabilities=options.save_probabilities,
        max_memory_gib=options.max_memory,
    )
    outcomes = infer(request)
    failed = [one for one in outcomes if one.reason is not None]
    summary = {"output": str(request.output), "done": len(outcomes) - len(failed), "failed": len(failed)}
    print(json.dumps(summary) if options.json else request.output)
    return EXIT_SOME_FAILED if failed else EXIT_DONE


def infer(request: InferRequest, *, say: Callable[[str], None] = print) -> list[Outcome]:
    """Segment studies, each onto its own grid.

    Args:
        request: What to segment with what.
        say: Shows a line to the user.

    Returns:
        What became of each study, in order.

    Raises:
        MedsegError: The bundle or the output cannot be used, or no input is a study; nothing was segmented.
    """
    model = read_ensemble((request.bundle, *request.more_bundles), tta=request.tta)
    dicom = DicomOptions(request.series, request.select, request.resample_tilt)
    dicom.check_channels(model.bundle)
    check_trained(model)
    how = Computing(request.device, request.precision, request.exact, request.engine)
    if how.asks_for_more:
        how.on_this_machine()
    worklist = _worklist(request, model, dicom, say)
    import_monai_lean(plain=all(is_plain_torch(one) for one in model.members))
    from medseg.steps.cohort_inference import infer_cohort
    from medseg.steps.results import ResultOptions
    from medseg.steps.sharing import Sharing

    return infer_cohort(
        model,
        worklist,
        output=request.output,
        how=how,
        results=ResultOptions(
            request.formats,
            request.report,
            request.seg_type,
            request.seg_compression,
            request.uncertainty,
            request.probabilities,
        ),
        sharing=Sharing(request.part, request.go_on),
        max_memory_gib=request.max_memory_gib,
        say=say,
    )


def _worklist(request: InferRequest, model: Ensemble, dicom: DicomOptions, say: Callable[[str], None]) -> Worklist:
    """The studies, found before torch and MONAI are loaded: the first is read while they are."""
    from medseg.engine.allocator import keep_freed_memory
    from medseg.runs.tracking import keep_mlflow_quiet

    if request.keep_memory:
        keep_freed_memory()
    keep_mlflow_quiet()  # should it be imported all the same: it would leave a mark in the home folder
    import_nibabel_lean()
    from medseg.steps.collect import to_segment
    from medseg.steps.read_ahead import with_first_read_ahead
    from medseg.steps.sharing import Sharing

    worklist = to_segment(model.bundle, request.inputs, dicom, Sharing(request.part, request.go_on), say)
    is_sure = not request.go_on and request.max_memory_gib is None  # that the first will be read, and that it may be
    return with_first_read_ahead(worklist, len(model.bundle.channels)) if is_sure else worklist


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb; gives its exit code."""
    return run_command(parser, run, argv)


if __name__ == "__main__":
    leave(main())
