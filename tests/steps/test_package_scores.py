"""An evaluation is told as far as it is of this very model, and nothing of whom it was measured on."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medseg.bundle.read import Bundle
from medseg.bundle.results import eval_metrics_of
from medseg.core.errors import BundleError, FileError
from medseg.evaluate import EvaluateRequest, evaluate
from medseg.steps.package_evidence import NO_PICTURES, collect_evidence
from tests.steps.package_examples import STUDIES, every_word, write_map, write_predictions, write_run


@pytest.fixture
def scored(tmp_path: Path, hippocampus: Bundle) -> Callable[..., Path]:
    """Evaluates label maps that the bundle's own record claims; give another digest, or no bundle."""

    def make(*, digest: str | None = hippocampus.digest, bundle: Bundle | None = hippocampus, **more: Any) -> Path:
        for study in STUDIES:
            write_map(tmp_path / "references" / f"{study}.nii.gz", 0)
        write_predictions(tmp_path / "predictions", digest)
        root = None if bundle is None else str(bundle.root)
        evaluate(
            EvaluateRequest(
                output=tmp_path / "eval", prediction=tmp_path / "predictions", reference=tmp_path / "references",
                bundle=root, tracking=False, report=False, workers=1, **more,
            ),
            say=lambda line: None,
        )  # fmt: skip
        return tmp_path / "eval"

    return make


def test_an_evaluation_gives_scores_patients_failures_and_rules(
    scored: Callable[..., Path], hippocampus: Bundle
) -> None:
    folder = scored(least={"dice.anterior": "0.99"})
    told = collect_evidence(hippocampus, None, folder, pictures=False)
    summary = json.loads((folder / "summary.json").read_text())
    measured = told.measurement
    assert measured is not None
    assert measured.source == "evaluation"
    assert (measured.studies, measured.patients, measured.failed) == (7, 7, 1)
    dice = summary["labels"]["anterior"]["dice"]
    assert measured.scores["anterior"]["dice"].mean == dice["mean"]
    assert (measured.scores["anterior"]["dice"].n, measured.scores["anterior"]["dice"].failed) == (7, 1)
    assert measured.tolerance_mm == {"anterior": 1.0, "posterior": 1.0}
    assert [(one.label, one.limit, one.met) for one in measured.demands] == [("anterior", 0.99, False)]
    assert measured.policy_digest == summary["policy_digest"]
    assert told.results == eval_metrics_of(summary)
    assert not measured.maybe_seen


def test_groups_come_with_their_numbers(scored: Callable[..., Path], hippocampus: Bundle, tmp_path: Path) -> None:
    rows = [("study", "scanner"), *((study, "A" if n < 3 else "B") for n, study in enumerate(STUDIES))]
    with (tmp_path / "strata.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    measured = collect_evidence(
        hippocampus, None, scored(strata=tmp_path / "strata.csv"), pictures=False
    ).measurement  # fmt: skip
    assert measured is not None
    found = {(one.group, one.metric): one.score.n for one in measured.groups if one.label == "anterior"}
    assert (found["A", "dice"], found["B", "dice"]) == (3, 4)


def test_studies_are_called_by_their_rank_and_no_word_of_a_package_is_an_id_or_a_path(
    scored: Callable[..., Path], hippocampus: Bundle, tmp_path: Path
) -> None:
    told = collect_evidence(hippocampus, None, scored())
    words = every_word(told)
    assert [study for study in STUDIES if study in words or study.lower() in words.lower()] == []
    assert str(tmp_path) not in words
    assert "/hospital" not in words
    assert told.measurement is not None
    worst = told.measurement.worst
    assert [one.rank for one in worst] == [1, 2, 3, 4, 5]
    assert worst[0].reason == "no usable result"
    assert worst[0].dice == 0.0
    assert worst[1].reason.startswith("posterior: Dice")


def test_the_worst_are_drawn_without_a_word_of_whose_they_are(
    scored: Callable[..., Path], hippocampus: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    import medseg.runs.pictures_study as painter

    written: list[str] = []
    before = painter.Figure.suptitle

    def heard(figure: Any, text: str, **style: Any) -> Any:
        written.append(text)
        return before(figure, text, **style)

    monkeypatch.setattr(painter.Figure, "suptitle", heard)
    told = collect_evidence(hippocampus, None, scored())
    assert list(told.pictures) == [f"docs/gallery/{n}-worst.png" for n in (1, 2, 3)]
    assert written == ["Study 1", "Study 2", "Study 3"]
    assert all(png.startswith(b"\x89PNG") for png in told.pictures.values())
    assert not any(study.encode() in png for png in told.pictures.values() for study in STUDIES)
    assert told.measurement is not None
    assert [one.picture for one in told.measurement.worst] == [*told.pictures, "", ""]


def test_pictures_may_be_left_out(scored: Callable[..., Path], hippocampus: Bundle) -> None:
    told = collect_evidence(hippocampus, None, scored(), pictures=False)
    assert told.pictures == {}
    assert told.measurement is not None
    assert told.measurement.no_pictures == ""
    assert {one.picture for one in told.measurement.worst} == {""}


def test_where_the_scans_are_away_the_card_says_so_and_the_packager_is_told_where(
    scored: Callable[..., Path], hippocampus: Bundle, tmp_path: Path
) -> None:
    folder = scored()
    (tmp_path / "references").rename(tmp_path / "elsewhere")
    told = collect_evidence(hippocampus, None, folder)
    assert told.pictures == {}
    assert told.measurement is not None
    assert told.measurement.no_pictures == NO_PICTURES
    assert "references" in told.notes[0]


def test_a_reference_that_changed_since_is_not_drawn(
    scored: Callable[..., Path], hippocampus: Bundle, tmp_path: Path
) -> None:
    folder = scored()
    write_map(tmp_path / "references" / f"{STUDIES[-1]}.nii.gz", 5)
    told = collect_evidence(hippocampus, None, folder)
    assert told.pictures == {}
    assert "not the one that was scored" in told.notes[0]


def test_an_evaluation_of_another_model_is_refused_with_both_digests(
    scored: Callable[..., Path], hippocampus: Bundle, brats: Bundle
) -> None:
    folder = scored()
    with pytest.raises(BundleError, match=f"another model.*{hippocampus.digest}.*{brats.digest}"):
        collect_evidence(brats, None, folder)


def test_an_evaluation_that_names_no_bundle_is_refused(scored: Callable[..., Path], hippocampus: Bundle) -> None:
    labels = hippocampus.root / "configs" / "evaluate.yaml"
    with pytest.raises(BundleError, match=f"names no bundle.*{hippocampus.digest}"):
        collect_evidence(hippocampus, None, scored(bundle=None, labels=labels))


@pytest.mark.parametrize(("digest", "said"), [("f0" * 32, "f0" * 32), (None, "unknown")])
def test_label_maps_that_the_bundle_did_not_make_are_not_its_own(
    digest: str | None, said: str, scored: Callable[..., Path], hippocampus: Bundle
) -> None:
    with pytest.raises(BundleError, match=f"nothing says that 'hippocampus_unet3d' .*{hippocampus.digest}.*{said}"):
        collect_evidence(hippocampus, None, scored(digest=digest))


def test_label_maps_that_were_made_after_they_were_scored_are_others(
    scored: Callable[..., Path], hippocampus: Bundle, tmp_path: Path
) -> None:
    folder = scored()
    path = tmp_path / "predictions" / "run.json"
    path.write_text(path.read_text().replace("2020-01-01", "2999-01-01"))
    with pytest.raises(BundleError, match="nothing says"):
        collect_evidence(hippocampus, None, folder)


def test_an_evaluation_of_studies_that_were_trained_on_is_refused(
    scored: Callable[..., Path], hippocampus: Bundle, tmp_path: Path
) -> None:
    folder = scored()
    split = {"train": [STUDIES[0], "a"], "validation": [STUDIES[1]], "holdout": []}
    with pytest.raises(BundleError, match="2 of its 7 studies"):
        collect_evidence(hippocampus, write_run(tmp_path / "run", split=split), folder)


def test_where_no_one_says_what_was_trained_on_studies_may_have_been_seen(
    scored: Callable[..., Path], hippocampus: Bundle, tmp_path: Path
) -> None:
    told = collect_evidence(hippocampus, write_run(tmp_path / "run", split={}), scored(), pictures=False)
    assert told.measurement is not None
    assert told.measurement.maybe_seen


def test_a_folder_that_is_no_evaluation_is_refused(hippocampus: Bundle, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="no finished evaluation"):
        collect_evidence(hippocampus, None, tmp_path)


def test_a_damaged_summary_is_refused(scored: Callable[..., Path], hippocampus: Bundle) -> None:
    folder = scored()
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"studies": None}))
    with pytest.raises(FileError, match="damaged"):
        collect_evidence(hippocampus, None, folder)


def test_an_evaluation_that_was_moved_with_its_predictions_is_still_known(
    scored: Callable[..., Path], hippocampus: Bundle, tmp_path: Path
) -> None:
    folder = scored()
    (tmp_path / "predictions").rename(folder / "predictions")
    moved = folder.rename(tmp_path / "archived")
    assert len(collect_evidence(hippocampus, None, moved).pictures) == 3
