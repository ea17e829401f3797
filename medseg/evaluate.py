"""Score predictions against references: `python -m medseg.evaluate --prediction DIR --reference DIR --output EVAL`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from medseg.bundle.labels_file import read_labels_file
from medseg.bundle.scoring import Scoring
from medseg.core.command import Parser, pairs, run_command
from medseg.core.errors import EXIT_DONE, EXIT_GATE, EXIT_SOME_FAILED, BundleError, UsageError
from medseg.metrics.hausdorff_variants import HD_VARIANTS
from medseg.metrics.lesion_rules import LESION_RULES
from medseg.metrics.policy import POLICIES
from medseg.steps.ensemble import Ensemble, read_ensemble
from medseg.steps.evaluation_request import EvaluateRequest
from medseg.steps.given_bundle import add_trust_options, trust_of

if TYPE_CHECKING:
    from medseg.runs.evaluation_facts import EvaluationFacts


def parser() -> Parser:
    """Options of the verb."""
    options = Parser(
        prog="medseg evaluate",
        description="Score predictions against references, by rules that are written into every result.",
        epilog="Exit code 3: a prediction is missing or unusable. 4: a gate was not met.",
    )
    what = options.add_argument_group("what to score")
    what.add_argument("--prediction", type=Path, metavar="DIR", help="label maps, NIfTI or DICOM SEG, or one file")
    what.add_argument("--reference", type=Path, metavar="DIR", help="label maps, or a dataset with labels")
    what.add_argument(
        "--bundle",
        nargs="+",
        action="extend",
        help="name, folder, zip, run folder, or models:/NAME/VERSION; says the labels; with --data it is run first, "
        "and of several the mean is taken",
    )
    add_trust_options(what, foreign=True)
    what.add_argument("--tta", action="store_true", help="with --data: segment mirror images too, and take the mean")
    what.add_argument("--data", type=Path, metavar="DIR", help="labelled dataset whose hold-out --bundle segments")
    what.add_argument("--labels", type=Path, metavar="FILE", help="YAML of labels and regions, like evaluate.yaml")
    how = options.add_argument_group("by which rules")
    how.add_argument("--policy", choices=tuple(POLICIES), default="default", help="what empty masks score")
    how.add_argument("--preset", choices=tuple(LESION_RULES), help="how lesions are told apart and paired")
    how.add_argument("--hd-variant", choices=HD_VARIANTS, help="which Hausdorff distance (default voxel)")
    how.add_argument(
        "--tolerance",
        action="append",
        default=[],
        metavar="LABEL=MM",
        help="of the surface Dice (default: the bundle's, else 1 mm); may be repeated",
    )
    how.add_argument("--seed", type=int, default=0, metavar="N", help="of the bootstrap (default 0)")
    more = options.add_argument_group("what to say of it")
    more.add_argument("--strata", type=Path, metavar="FILE", help="CSV of study ids, and columns to group by")
    more.add_argument("--against", type=Path, metavar="EVAL", help="an earlier evaluation, to compare with")
    for side, example in (("min", "dice.WT=0.85"), ("max", "hd95_mm.WT=10")):
        more.add_argument(
            f"--{side}",
            action="append",
            default=[],
            metavar="METRIC.LABEL=VALUE",
            help=f"the mean must be at {'least' if side == 'min' else 'most'} this, for example {example}",
        )
    where = options.add_argument_group("where and how it runs")
    where.add_argument("--output", type=Path, required=True, metavar="EVAL", help="folder of report and tables")
    where.add_argument("--workers", type=int, metavar="N", help="processes that score (default: cores)")
    where.add_argument("--device", default="auto", metavar="D", help="with --data: auto, cpu, cuda, cuda:N or mps")
    where.add_argument("--precision", choices=("fp32", "bf16", "fp16", "auto"), default="fp32", help="with --data")
    where.add_argument("--tracking-uri", metavar="URI", help="MLflow of the model's run (default: the training's)")
    where.add_argument("--no-tracking", action="store_true", help="do not use MLflow")
    where.add_argument(
        "--report", action=argparse.BooleanOptionalAction, default=True, help="a page with plots and pictures"
    )
    where.add_argument("--update-bundle", action="store_true", help="write the results into the bundle's metadata.json")
    where.add_argument("--json", action="store_true", help="end with one line of JSON instead of the report's path")
    return options


def run(options: argparse.Namespace) -> int:
    """Evaluate as the options say; see ``parser``."""
    request = EvaluateRequest(
        output=options.output,
        prediction=options.prediction,
        reference=options.reference,
        bundle=options.bundle[0] if options.bundle else None,
        more_bundles=tuple(options.bundle[1:]) if options.bundle else (),
        tta=options.tta,
        data=options.data,
        labels=options.labels,
        policy=options.policy,
        preset=options.preset,
        hd_variant=options.hd_variant,
        tolerance_mm=pairs(options.tolerance, "--tolerance"),
        strata=options.strata,
        against=options.against,
        least=pairs(options.min, "--min"),
        most=pairs(options.max, "--max"),
        workers=options.workers,
        seed=options.seed,
        device=options.device,
        precision=options.precision,
        tracking=not options.no_tracking,
        tracking_uri=options.tracking_uri,
        report=options.report,
        update_bundle=options.update_bundle,
        trust=trust_of(options),
    )
    facts = evaluate(request)
    made = request.output / ("report.html" if request.report else "summary.json")
    print(json.dumps(_json_line(request.output, facts)) if options.json else made)
    return exit_code(facts)


def evaluate(request: EvaluateRequest, *, say: Callable[[str], None] = print) -> EvaluationFacts:
    """Score predictions against references, and write what was found to ``request.output``.

    Args:
        request: What to score, and by which rules.
        say: Shows a line to the user.

    Raises:
        MedsegError: Nothing can be scored or an option does not fit; nothing was written.
    """
    _check(request)
    given = () if request.bundle is None else (request.bundle, *request.more_bundles)
    model = read_ensemble(given, tta=request.tta, trust=request.trust) if given else None
    scoring = _scoring(request, model)
    from medseg.steps.evaluation_session import evaluate_session

    return evaluate_session(request, model, scoring, say=say)


def exit_code(facts: EvaluationFacts) -> int:
    """4 where a gate was not met, else 3 where a study has no usable prediction or reference, else 0."""
    if not all(result.met for result in facts.gates):
        return EXIT_GATE
    return EXIT_SOME_FAILED if facts.evaluation.failed or facts.unscored else EXIT_DONE


def _check(request: EvaluateRequest) -> None:
    """Options that do not go together.

    Raises:
        UsageError: They do not.
    """
    two = request.prediction is not None and request.reference is not None
    one = request.prediction is not None or request.reference is not None
    if request.data is not None and (one or request.bundle is None):
        raise UsageError("--data is segmented by --bundle and then scored; it stands with --bundle and without others.")
    if request.data is None and not two:
        raise UsageError("Give --prediction and --reference, or --bundle of a trained model and --data.")
    if request.bundle is not None and request.labels is not None:
        raise UsageError("--bundle and --labels both say what the labels are; give one.")
    if request.tta and request.data is None:
        raise UsageError("--tta: predictions that exist cannot be mirrored; it stands with --bundle and --data.")
    if request.update_bundle and request.bundle is None:
        raise UsageError("--update-bundle needs --bundle.")
    if request.update_bundle and (request.more_bundles or request.tta):
        raise UsageError("--update-bundle: a card tells of one bundle by itself; give one, without --tta.")
    if request.workers is not None and request.workers < 1:
        raise UsageError(f"--workers {request.workers} is out of range; give 1 or more.")
    if request.seed < 0:
        raise UsageError(f"--seed {request.seed} is out of range; give 0 or more.")


def _scoring(request: EvaluateRequest, model: Ensemble | None) -> Scoring | None:
    if model is not None:
        return _common_scoring(model)
    return None if request.labels is None else read_labels_file(request.labels)


def _common_scoring(model: Ensemble) -> Scoring:
    """Of all members; labels are the same by then.

    Raises:
        BundleError: They are to be scored by different rules.
    """
    first, *others = model.members
    for other in others:
        for what in ("tolerance_mm", "thresholds"):
            here, there = getattr(first.scoring, what), getattr(other.scoring, what)
            if here != there:
                raise BundleError(
                    f"The bundles' evaluate.yaml differ in {what}: {here} and {there} ('{first.root}' and "
                    f"'{other.root}'). Make them equal, or segment with medseg infer and score with --labels."
                )
    return first.scoring


def _json_line(output: Path, facts: EvaluationFacts) -> dict[str, Any]:
    from medseg.runs.evaluation_files import summary_of

    found = summary_of(facts)
    kept = {key: found[key] for key in ("studies", "labels", "gates", "policy_digest")}
    return {"output": str(output), **kept}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the verb; gives its exit code."""
    return run_command(parser, run, argv)


if __name__ == "__main__":
    sys.exit(main())
