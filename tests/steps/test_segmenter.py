"""One study that fails never stops the others; a disk that refuses does."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import clinic
import numpy as np
import pytest

from medseg.bundle.read import Bundle
from medseg.bundle.validity import AXES, LabelLimits, Limits, Validity
from medseg.core.errors import DicomError, OutputError
from medseg.core.redact import Redactor
from medseg.core.verdict import Finding
from medseg.core.volume import Volume
from medseg.runs.report_facts import ReportChannel
from medseg.steps.ensemble import Ensemble
from medseg.steps.jobs import Job, Outcome, Result, Scan
from medseg.steps.results import ResultOptions
from medseg.steps.segmenter import Segmenter

_CHANNEL = ReportChannel("t1", "by rules", 1, "T1 of Dumbledore", (4, 4, 4), (1.0, 1.0, 1.0), False, "accepted")


@dataclass
class _Writer:
    """Takes the place of the writer: keeps what it was given, or raises."""

    model: Ensemble
    error: Exception | None = None
    results: list[Result] = field(default_factory=list)
    options: ResultOptions = field(default_factory=ResultOptions)

    def paths(self, job: Job) -> list[Path]:
        return [Path("out") / f"{job.id}.nii.gz", Path("out") / job.id / "report.html"]

    def write(self, result: Result, note: Callable[[dict[str, Path]], None]) -> None:
        if self.error is not None:
            raise self.error
        note({})
        self.results.append(result)


@dataclass
class _Journal:
    noted: list[str] = field(default_factory=list)

    def begin(self, job: Job) -> None:
        self.noted = [one for one in self.noted if one != job.id]

    def note(self, job: Job, outcome: Outcome, results: dict[str, Path]) -> None:
        self.noted.append(outcome.study)


def _segmenter(bundle: Bundle, error: Exception | None = None) -> Any:
    """A model that finds label 1 in one voxel and 2 in two."""

    def predict(volume: Volume) -> np.ndarray:
        labels = np.zeros(volume.shape, np.uint8)
        labels[0, 0, :3] = (1, 2, 2)
        return labels

    chain = SimpleNamespace(
        part_of=lambda volume: volume,
        prepare=lambda volume, keep: volume,
        look=lambda volume, rung: SimpleNamespace(volume=volume, entropy=None, probabilities=None),
        finish=lambda seen: predict(seen.volume),
    )
    fits = SimpleNamespace(check_readable=lambda grid: None, rung=lambda part: "host", beside=True)
    return Segmenter(chain, _Writer(Ensemble((bundle,)), error), _Journal(), fits, {})  # type: ignore[arg-type]


def _job(read: Callable[[], Scan] | None = None, **more: Any) -> Job:
    scan = Scan(
        Volume(np.zeros((1, 4, 4, 4), np.float32), np.eye(4)), (_CHANNEL,), (Finding("lossy", "Dumbledore: lossy"),)
    )
    clean = Redactor(clinic.IDENTITY.values())
    return Job("study-1", (), {0: 0, 1: 1, 2: 4}, read or (lambda: scan), lambda *_: None, redactor=clean, **more)


def _raise(error: Exception) -> Callable[[], Scan]:
    def read() -> Scan:
        raise error

    return read


def test_a_study_that_is_done_tells_files_voxels_channels_and_warnings(hippocampus: Bundle) -> None:
    outcome = _segmenter(hippocampus).outcome(_job())
    assert (outcome.study, outcome.reason, outcome.code) == ("study-1", None, "accepted_with_warnings")
    assert outcome.prediction == str(Path("out") / "study-1.nii.gz")
    assert len(outcome.outputs) == 2
    assert outcome.labels == {1: 1, 4: 2}  # the values written
    assert outcome.label_names == {1: "anterior", 4: "posterior"}
    assert outcome.channels["t1"]["description"] == "T1 of [removed]"
    assert outcome.warnings == ({"code": "lossy", "sentence": "[removed]: lossy"},)


@pytest.mark.parametrize(
    ("error", "code"),
    [(DicomError("gap of Dumbledore", "slice_missing"), "slice_missing"), (ValueError("Albus"), "failed")],
)
def test_a_study_that_cannot_be_read_fails_without_a_name(error: Exception, code: str, hippocampus: Bundle) -> None:
    outcome = _segmenter(hippocampus).outcome(_job(_raise(error)))
    assert outcome.code == code
    assert outcome.reason is not None
    assert clinic.leaks(Path("none"), outcome.reason) == []
    assert outcome.outputs == ()


def test_an_object_that_cannot_be_made_fails_its_study_alone(hippocampus: Bundle) -> None:
    outcome = _segmenter(hippocampus, OutputError("does not read back")).outcome(_job())
    assert outcome.reason == "does not read back"


def test_a_disk_that_refuses_ends_the_run(hippocampus: Bundle) -> None:
    full = OutputError("Cannot write 'x': No space left on device")
    full.__cause__ = OSError(28, "No space left on device")
    with pytest.raises(OutputError, match="No space left"):
        _segmenter(hippocampus, full).outcome(_job())


def test_a_study_is_noted_where_it_was_written_and_nowhere_else(hippocampus: Bundle) -> None:
    good, bad = _segmenter(hippocampus), _segmenter(hippocampus, OutputError("does not read back"))
    good.outcome(_job())
    bad.outcome(_job())
    assert (good.journal.noted, bad.journal.noted) == (["study-1"], [])


# What the model was trained on


def _trained_on(bundle: Bundle, *, spacing: Limits, posterior_ml: Limits) -> Bundle:
    """With limits that its volume of 4 mm meets but for these."""
    validity = Validity(
        studies=3, patients=3, modality=("MR",), spacing_mm=dict.fromkeys(AXES, spacing), extent_mm={},
        orientation=(), orientation_matters=False, intensity={"t1": {}},
        labels={"anterior": LabelLimits(None, True), "posterior": LabelLimits(posterior_ml, False)},
    )  # fmt: skip
    return replace(bundle, validity=validity)


_HALF_MM, _ONE_MM = Limits((0.4, 0.4), (0.36, 0.44), (0.2, 0.8)), Limits((1.0, 1.0), (0.9, 1.1), (0.5, 2.0))
_TWO_VOXELS, _MUCH = Limits((0.002, 0.002), (0.002, 0.002)), Limits((1.0, 2.0), (0.75, 2.5))


def test_a_scan_outside_of_validity_is_refused_with_its_code_whatever_its_format(hippocampus: Bundle) -> None:
    segmenter = _segmenter(_trained_on(hippocampus, spacing=_HALF_MM, posterior_ml=_TWO_VOXELS))
    outcome = segmenter.outcome(_job())
    assert outcome.code == "outside_validity"
    assert outcome.reason is not None
    assert "spacing from left to right is 1 mm, it must be 0.2 to 0.8 mm; spacing from back" in outcome.reason
    assert (outcome.outputs, segmenter.writer.results, segmenter.journal.noted) == ((), [], [])


def test_the_modality_of_a_dicom_study_counts(hippocampus: Bundle) -> None:
    bundle = _trained_on(hippocampus, spacing=_ONE_MM, posterior_ml=_TWO_VOXELS)
    codes = [_segmenter(bundle).outcome(_job(modality=modality)).code for modality in ("MR", "CT", "")]
    assert codes == ["accepted_with_warnings", "outside_validity", "accepted_with_warnings"]


def test_an_odd_result_is_warned_of_where_the_scan_is_and_in_what_is_written(hippocampus: Bundle) -> None:
    segmenter = _segmenter(_trained_on(hippocampus, spacing=_ONE_MM, posterior_ml=_MUCH))
    outcome = segmenter.outcome(_job())
    assert [one["code"] for one in outcome.warnings] == ["lossy", "unlike_training"]
    assert outcome.warnings[1]["sentence"].startswith("label posterior has 0.002 ml; the model was trained with 1 to 2")
    (result,) = segmenter.writer.results
    assert [one.code for one in result.scan.warnings] == ["lossy", "unlike_training"]


def test_every_member_of_an_ensemble_has_a_say(hippocampus: Bundle) -> None:
    segmenter = _segmenter(hippocampus)
    strict = _trained_on(hippocampus, spacing=_HALF_MM, posterior_ml=_TWO_VOXELS)
    segmenter.writer.model = Ensemble((hippocampus, strict))
    assert segmenter.outcome(_job()).code == "outside_validity"
