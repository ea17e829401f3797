"""Segment studies: `python -m medseg.infer --bundle RUN_OR_BUNDLE --input PATH --output DIR`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from medseg.bundle.read import Bundle
from medseg.core.command import Parser, pairs, run_command
from medseg.core.errors import EXIT_DONE, EXIT_SOME_FAILED, UsageError
from medseg.core.formats import FORMATS, SEG_COMPRESSIONS, SEG_TYPES, Compression, Format, SegType
from medseg.steps.ensemble import check_trained, read_ensemble

if TYPE_CHECKING:
    from medseg.steps.jobs import Outcome


@dataclass(frozen=True)
class InferRequest:
    """What to segment with what.

    Attributes:
        bundle: Name, folder or run of a trained model.
        inputs: Files, study folders, or datasets in any layout.
        output: Folder of the label maps.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: fp32 gives what stock MONAI gives, voxel for voxel; bf16 and fp16 may be faster.
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
    """

    bundle: str
    inputs: tuple[Path, ...]
    output: Path
    device: str = "auto"
    precision: str = "fp32"
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
        default="fp32",
        help="fp32 (default) is what was validated",
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
        keep_memory=options.allocator == "keep",
        series=pairs(options.series, "--series"),
        select=pairs(options.select, "--select"),
        resample_tilt=options.resample_tilt,
        formats=tuple(dict.fromkeys(options.format)),
        seg_type=options.seg_type,
        seg_compression=options.seg_compression,
        report=options.report,
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
    _check_channels(request, model.bundle)
    check_trained(model)
    from medseg.engine.allocator import keep_freed_memory
    from medseg.runs.tracking import keep_mlflow_quiet

    if request.keep_memory:
        keep_freed_memory()
    keep_mlflow_quiet()  # MONAI imports MLflow, which would leave a mark in the home folder
    from medseg.steps.cohort_inference import infer_cohort
    from medseg.steps.dicom_jobs import DicomOptions
    from medseg.steps.results import ResultOptions

    return infer_cohort(
        model,
        request.inputs,
        output=request.output,
        device_name=request.device,
        precision_name=request.precision,
        dicom=DicomOptions(request.series, request.select, request.resample_tilt),
        results=ResultOptions(request.formats, request.report, request.seg_type, request.seg_compression),
        say=say,
    )


def _check_channels(request: InferRequest, bundle: Bundle) -> None:
    known = [channel.name for channel in bundle.channels]
    unknown = [name for name in request.series if name not in known]
    if unknown:
        raise UsageError(f"--series: bundle '{bundle.name}' has no channel '{unknown[0]}'; it has {', '.join(known)}.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb; gives its exit code."""
    return run_command(parser, run, argv)


if __name__ == "__main__":
    sys.exit(main())
