"""By which rules an evaluation goes: policy, gates, what it is compared with; all that options can be wrong about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from medseg.bundle.scoring import Scoring
from medseg.core.errors import OutputError, UsageError, raise_faults
from medseg.metrics.gates import Gate, gates_of, gates_of_thresholds
from medseg.metrics.policy import MetricPolicy, choose_policy, refuse_other_policy
from medseg.metrics.strata import read_strata
from medseg.runs.evaluation_files import PER_STUDY, REPORT, SavedEvaluation, read_evaluation
from medseg.steps.evaluation_request import EvaluateRequest


@dataclass(frozen=True)
class Rules:
    """What holds for every study.

    Attributes:
        policy: How is scored.
        gates: What is demanded.
        against: The earlier evaluation; None where there is none.
    """

    policy: MetricPolicy
    gates: tuple[Gate, ...]
    against: SavedEvaluation | None


def rules_of(request: EvaluateRequest, scoring: Scoring | None, names: Sequence[str]) -> Rules:
    """The rules that a request asks for.

    Args:
        request: What the user asks.
        scoring: Tolerances and thresholds of a bundle or file; None where there are none.
        names: Regions and labels that will be scored.

    Raises:
        UsageError: An option names what is not scored, or no number.
        MedsegError: A file cannot be read, or the earlier evaluation went by other rules.
    """
    policy = _policy(request, scoring, names)
    gates = gates_of(request.least, request.most, names)
    gates += gates_of_thresholds(scoring.thresholds if scoring else {}, gates)
    against = None if request.against is None else read_evaluation(request.against)
    if against is not None:
        refuse_other_policy(policy.values(), against.policy)
    if request.strata is not None:
        read_strata(request.strata, [])  # for what is wrong whoever is scored
    return Rules(policy, tuple(gates), against)


def check_output(request: EvaluateRequest) -> None:
    """Refuse a folder that holds something else: an evaluation replaces what is in its way.

    Raises:
        OutputError: It holds maps or data that are evaluated, another evaluation that is compared with, or a report
            that is not of an evaluation.
    """
    output = request.output.resolve()
    for what, path in (
        ("the folder of the predictions", request.prediction),
        ("the folder of the references", request.reference),
        ("the data", request.data),
        ("the evaluation to compare with", request.against),
    ):
        if path is not None and output == path.resolve():
            raise OutputError(f"--output '{request.output}' is {what}; choose another.")
    if output.exists() and not output.is_dir():
        raise OutputError(f"--output '{request.output}' is a file; choose a folder.")
    if (output / REPORT).exists() and not (output / PER_STUDY).exists():
        raise OutputError(f"--output '{request.output}' holds a {REPORT} that is not of an evaluation; choose another.")


def _policy(request: EvaluateRequest, scoring: Scoring | None, names: Sequence[str]) -> MetricPolicy:
    given = request.tolerance_mm
    faults = [f"--tolerance {key}={mm}: {fault}" for key, mm in given.items() if (fault := _fault(key, mm, names))]
    raise_faults("Tolerances", faults, UsageError)
    of_bundle = {} if scoring is None else {name: mm for name, mm in scoring.tolerance_mm.items() if name in names}
    return choose_policy(
        request.policy,
        lesions=request.preset,
        hd_variant=request.hd_variant,
        tolerance_mm={**of_bundle, **{name: float(mm) for name, mm in given.items()}},
    )


def _fault(name: str, mm: str, names: Sequence[str]) -> str:
    if name not in names:
        return f"'{name}' is not scored; scored are {', '.join(names)}"
    try:
        return "" if 0.0 <= float(mm) < float("inf") else "it must be 0 mm or more"
    except ValueError:
        return f"'{mm}' is not a number of mm"
