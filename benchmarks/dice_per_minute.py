"""Dice against minutes: the shipped recipe, the same network under a plain tutorial recipe, and the 2D U-Net.

Does:  trains each for 2, 5, 15 and 45 minutes of wall time, one after the other, and scores the same hold-out.
Needs: a folder of MSD Task04 Hippocampus; a machine with no other work.
Makes: OUTPUT/dice_per_minute.csv and .png; a row per training, with the mean over both labels and its 95 % interval.
Takes: three and a half hours in all; rows of the table are kept, a training that was stopped goes on, and only the
       minutes that are given are done.
Run:   python benchmarks/dice_per_minute.py DATA OUTPUT [MINUTES …]
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from medseg.datasets.decathlon import read_decathlon
from medseg.metrics.summary import summarise

MINUTES = (2, 5, 15, 45)

# After MONAI's 3D tutorials: of spleen_segmentation_3d the constant rate of 1e-4 and patches half on the labels, of
# brats_segmentation_3d the slight changes of intensity; no average of weights. Network, loss and batch are the
# bundle's, so that the recipe alone differs. The second mirrors every axis too; here nothing is mirrored, so that head
# and tail keep their places: after five minutes that is 0.428, mirrored it was 0.424.
TUTORIAL = {
    "optimizer.name": "adamw",
    "optimizer.lr": "1.0e-4",
    "optimizer.weight_decay": "1.0e-5",
    "schedule.name": "constant",
    "schedule.warmup": "0.0",
    "engine.ema": "0.0",
    "engine.clip_norm": "0.0",
    "sampling.foreground": "0.5",
    "curriculum.share": "0.0",
    "augmentation.flip_axes": "[]",
    "augmentation.rotation.probability": "0.0",
    "augmentation.scaling.probability": "0.0",
    "augmentation.noise.probability": "0.0",
    "augmentation.blur.probability": "0.0",
    "augmentation.brightness.probability": "1.0",
    "augmentation.brightness.range": "[0.9, 1.1]",
    "augmentation.contrast.probability": "0.0",
    "augmentation.low_resolution.probability": "0.0",
    "augmentation.gamma.probability": "0.0",
}


class Contender(NamedTuple):
    """What is trained, and how its line is drawn."""

    bundle: str
    changes: dict[str, str]
    title: str
    colour: str
    marker: str


CONTENDERS = {
    "shipped": Contender("hippocampus_unet3d", {}, "3D, the bundle's recipe", "#0072B2", "o"),
    "tutorial": Contender("hippocampus_unet3d", TUTORIAL, "3D, a tutorial's recipe", "#D55E00", "s"),
    "slices": Contender("hippocampus_unet2d", {}, "2D, the bundle's recipe", "#009E73", "^"),
}
Row = dict[str, Any]


def train(key: str, minutes: float, data: Path, output: Path) -> Row:
    """Train one contender, or go on with it, or only read what it reached; gives its row."""
    one, name = CONTENDERS[key], f"{key}-{minutes:g}m"
    root = output / one.bundle / name
    if not (root / "run.json").is_file():
        command = ["--bundle", one.bundle, "--data", str(data), "--budget", f"{minutes:g}m", "--fold", "0"]
        sets = [text for item in one.changes.items() for text in ("--set", "=".join(item))]
        _medseg([*command, *sets, "--output", str(output), "--name", name, "--no-tracking"])
    elif json.loads((root / "run.json").read_text())["outcome"] not in ("finished", "stopped"):
        _medseg(["--resume", str(root)])
    return _row(key, minutes, root, {study.id: study.patient for study in read_decathlon(data).studies})


def _medseg(arguments: list[str]) -> None:
    subprocess.run([sys.executable, "-m", "medseg.train", *arguments], check=True)


def _row(key: str, minutes: float, root: Path, patients: dict[str, str]) -> Row:
    with (root / "holdout.csv").open(newline="") as stream:
        means = {study: sum(map(float, values)) / len(values) for study, *values in list(csv.reader(stream))[1:]}
    summary = summarise(means.values(), seed=0, patients=[patients[study] for study in means])
    record = json.loads((root / "run.json").read_text())
    return {
        "contender": key,
        "minutes": minutes,
        "dice": round(summary.mean, 4),
        "low": round(summary.low, 4),
        "high": round(summary.high, 4),
        "n": summary.n,
        "patients": summary.patients,
        "steps": record["steps"],
        "seconds": round(record["seconds"], 1),
        "precision": record["precision"],
    }


def draw(rows: list[Row], path: Path) -> None:
    """Dice against minutes, a line for each contender, with its intervals."""
    figure = Figure(figsize=(7.5, 5.0), layout="constrained")
    axes = figure.subplots()
    for key, one in CONTENDERS.items():
        mine = [row for row in rows if row["contender"] == key]
        x, y, low, high = ([float(row[name]) for row in mine] for name in ("minutes", "dice", "low", "high"))
        bars = [[b - a for a, b in zip(low, y, strict=True)], [b - a for a, b in zip(y, high, strict=True)]]
        axes.errorbar(x, y, bars, label=one.title, color=one.colour, marker=one.marker, capsize=3)
    shown = sorted({float(row["minutes"]) for row in rows})
    axes.set_xscale("log")
    axes.set_xticks(shown, [f"{minutes:g}" for minutes in shown])
    axes.set_xticks([], minor=True)
    axes.set_xlabel("minutes of wall time, the whole command")
    axes.set_ylabel("Dice, mean of both labels and of the hold-out")
    axes.set_title(f"Hippocampus, {rows[0]['n']} volumes of {rows[0]['patients']} patients held out, 95 % intervals")
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, loc="lower right")
    FigureCanvasAgg(figure)
    figure.savefig(path, dpi=130)


def main(data: Path, output: Path, minutes: list[float]) -> None:
    """Train whatever is missing, shortest first; the table and the picture grow with each."""
    output.mkdir(parents=True, exist_ok=True)
    table = output / "dice_per_minute.csv"
    rows = _read(table)
    for length in sorted(minutes):
        for key in CONTENDERS:
            if not any(row["contender"] == key and float(row["minutes"]) == length for row in rows):
                rows.append(train(key, length, data, output))
                _write(rows, table)
                draw(rows, table.with_suffix(".png"))
    for row in rows:
        print(row)


def _read(table: Path) -> list[Row]:
    if not table.is_file():
        return []
    with table.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _write(rows: list[Row], table: Path) -> None:
    rows.sort(key=lambda row: (float(row["minutes"]), list(CONTENDERS).index(str(row["contender"]))))
    with table.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [float(text) for text in sys.argv[3:]] or [float(m) for m in MINUTES])
