"""The options of `medseg infer`, and the request they make."""

from __future__ import annotations

import argparse
from pathlib import Path

from medseg.core.command import Parser, gib, pairs, part_of
from medseg.core.formats import FORMATS, SEG_COMPRESSIONS, SEG_TYPES
from medseg.steps.given_bundle import add_trust_options, trust_of
from medseg.steps.infer_request import InferRequest


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
        help="name, folder, zip, or run folder of a trained model, or models:/NAME/VERSION; of several, or a "
        "cross-validation, the mean is taken",
    )
    add_trust_options(options, foreign=True)
    options.add_argument("--tracking-uri", metavar="URI", help="MLflow that knows models:/NAME/VERSION")
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
        choices=("auto", "torch", "compile", "onnx", "openvino", "int8"),
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


def request_of(options: argparse.Namespace) -> InferRequest:
    """What the options ask of an inference.

    Raises:
        UsageError: A value is not KEY=VALUE, or no part of a cohort.
    """
    return InferRequest(
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
        trust=trust_of(options),
    )
