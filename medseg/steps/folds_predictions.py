"""The label maps of a cross-validation: each study by the model that did not see it, all in one folder."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from medseg.bundle.read import read_bundle
from medseg.bundle.split_file import CHOSE
from medseg.core.errors import DatalistError, OutputError
from medseg.core.files import write_json
from medseg.runs.folder import RunFolder
from medseg.runs.record import read_record
from medseg.steps.ensemble import Ensemble
from medseg.steps.holdout_predictions import segment_studies

RECORD = "run.json"
JOURNAL = "studies.jsonl"  # names files in a folder that goes


def segment_fold(fold: RunFolder, data: Path, output: Path, *, device: str, say: Callable[[str], None]) -> bool:
    """Add the label maps of a fold's hold-out to ``output``; False where they are there already.

    Args:
        fold: A finished run.
        data: The dataset it was trained on.
        output: Folder of the label maps of all folds; becomes one like that of ``medseg infer``.
        device: See ``choose_device``.
        say: Shows a line to the user.

    Raises:
        DatalistError: The label maps chose the fold's postprocessing, and are gone.
        OutputError: The folder cannot be written.
    """
    split = read_record(fold.record)["split"]
    ids = split["holdout"]
    former = read_record(output / RECORD) if (output / RECORD).is_file() else {"studies": []}
    if {one["study"] for one in former["studies"]}.issuperset(ids):
        return False
    if split.get(CHOSE):
        raise DatalistError(
            f"The label maps of '{fold.root}' in '{output}' are gone, and its bundle's postprocessing was chosen on "
            "them: made again, they could not measure it. Start the cross-validation anew."
        )
    try:
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-", dir=output) as folder:
            segment_studies(
                Ensemble((read_bundle(fold.bundle),)),
                data,
                ids,
                output=Path(folder),
                device=device,
                precision="fp32",
                say=say,
            )
            made = read_record(Path(folder) / RECORD)
            _move(Path(folder), output)
    except OSError as error:
        raise OutputError(f"Cannot write to '{output}': {error.strerror or error}. Free space, then go on.") from None
    studies = [{**_at_home(one, output), "fold": fold.name} for one in made["studies"]]
    kept = [one for one in former["studies"] if one["study"] not in ids]
    write_json(output / RECORD, {**made, "bundle": {**made["bundle"], "digest": None}, "studies": [*kept, *studies]})
    return True


def _move(made: Path, output: Path) -> None:
    for path in sorted(path for path in made.iterdir() if path.is_file() and path.name not in (RECORD, JOURNAL)):
        path.replace(output / path.name)


def _at_home(told: Mapping[str, Any], output: Path) -> dict[str, Any]:
    """What the inference recorded of a study, with its files where they are now."""
    prediction = told["prediction"] and str(output / Path(told["prediction"]).name)
    return {**told, "prediction": prediction, "outputs": [str(output / Path(path).name) for path in told["outputs"]]}
