"""Segment studies: `python -m medseg.infer --bundle RUN_OR_BUNDLE --input PATH --output DIR`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from medseg.bundle.plain_torch import is_plain_torch
from medseg.core.command import leave, run_command
from medseg.core.errors import EXIT_DONE, EXIT_SOME_FAILED
from medseg.core.lean_import import import_monai_lean, import_nibabel_lean
from medseg.steps.computing import Computing
from medseg.steps.dicom_options import DicomOptions
from medseg.steps.ensemble import Ensemble, check_trained, read_ensemble
from medseg.steps.infer_options import parser, request_of
from medseg.steps.infer_request import InferRequest

if TYPE_CHECKING:
    from medseg.steps.jobs import Outcome, Worklist


def run(options: argparse.Namespace) -> int:
    """Segment as the options say; see ``parser``."""
    request = request_of(options)
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
    model = read_ensemble((request.bundle, *request.more_bundles), tta=request.tta, trust=request.trust)
    dicom = DicomOptions(request.series, request.select, request.resample_tilt)
    dicom.check_channels(model.bundle)
    check_trained(model)
    how = Computing(request.device, request.precision, request.exact, request.engine)
    if how.asks_for_more:
        how.on_this_machine()
        how.check_bundles(model.members)
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
    from medseg.runs.tracking_client import keep_mlflow_quiet

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
