"""How fast medseg segments, against stock MONAI on the same bundle and the same scans.

Does:  patient: from the command to the written label map, `python -m monai.bundle run` and `medseg infer` in turn, each
       in a process of its own; windows: MONAI's `sliding_window_inference` in fp32 and medseg on the same volume, which
       still has its empty border, in turn, start-up left out; cohort: both over many studies, and where medseg's time
       goes; floor: what the network's convolutions take alone, and the machine's matrix rate.
Needs: a bundle with weights, or one without, which gets random ones: times do not depend on them, agreement does;
       a folder of NIfTI studies of its kind; no other work on the machine.
Makes: tables on the terminal: seconds, peak memory, ratios, and how well the label maps agree.
Takes: minutes; ROUNDS times what is compared.
Run:   python benchmarks/inference.py patient|windows|cohort|floor BUNDLE [DATA] [ROUNDS]
"""

from __future__ import annotations

import math
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from launched import Run, measured

from medseg.core.lean_import import import_monai_lean
from medseg.engine.allocator import keep_freed_memory

STUDIES = 50  # of a cohort
SAMPLE = 5  # of them that stock MONAI segments one by one: each run is its start-up, again and again


def with_weights(name: str, folder: Path) -> Path:
    """A copy of a bundle, with random weights where it has none."""
    from medseg.bundle.find import find_bundle

    root = Path(shutil.copytree(find_bundle(name), folder / name.replace("/", "_")))
    if not (root / "models" / "model.pt").is_file():
        from medseg.bundle.build import build_network
        from medseg.bundle.read import read_bundle

        torch.manual_seed(0)
        (root / "models").mkdir(exist_ok=True)
        torch.save(build_network(read_bundle(root)).state_dict(), root / "models" / "model.pt")
    return root


def stock_command(bundle: Path, data: Path, folder: Path) -> list[Any]:
    """MONAI alone."""
    words: list[Any] = [sys.executable, "-m", "monai.bundle", "run"]
    words += ["--config_file", bundle / "configs" / "inference.yaml", "--bundle_root", bundle]
    return [*words, "--dataset_dir", data, "--output_dir", folder / "stock"]


def compare_commands(bundle: Path, data: Path, rounds: int, folder: Path) -> dict[str, list[Run]]:
    """Both commands on the same scans, in turn."""
    ours = [sys.executable, "-m", "medseg.infer", "--bundle", bundle, "--input", data, "--output"]
    commands: dict[str, list[Any]] = {
        "stock MONAI, fp32": stock_command(bundle, data, folder),
        "medseg --exact": [*ours, folder / "exact", "--exact"],
        "medseg": [*ours, folder / "medseg"],
    }
    measured(commands["medseg"], Path.cwd())  # measures once for this machine which mode is fastest
    runs: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            runs[name].append(measured(command, Path.cwd()))
    return runs


def tell(runs: dict[str, list[Run]]) -> None:
    """Medians, and how many times faster and smaller than the first."""
    first = next(iter(runs.values()))
    base = Run(statistics.median(run.seconds for run in first), statistics.median(run.gib for run in first))
    for name, own in runs.items():
        seconds, gib = statistics.median(run.seconds for run in own), statistics.median(run.gib for run in own)
        memory = "" if math.isnan(gib) else f"   {gib:5.2f} GiB, {gib / base.gib:.2f} of it"
        print(f"{name:38} {seconds:8.2f} s  {base.seconds / seconds:5.2f} times faster{memory}")


def agreement(folder: Path, one: str, other: str) -> None:
    """Share of equal voxels and the lowest Dice of a label, over all studies."""
    import nibabel
    import numpy as np

    from medseg.metrics.overlap import dice

    def maps(name: str) -> list[Any]:
        return [np.asarray(nibabel.load(path).dataobj) for path in sorted((folder / name).glob("*.nii.gz"))]

    voxels, equal, lowest = 0, 0, 1.0
    for ours, theirs in zip(maps(one), maps(other), strict=True):  # names differ, their order does not
        voxels, equal = voxels + ours.size, equal + int((ours == theirs).sum())
        for value in np.unique(theirs)[1:]:
            lowest = min(lowest, dice(ours == value, theirs == value))
    print(f"{one} and {other}: {100 * equal / voxels:.4f} % of the voxels equal, lowest Dice of a label {lowest:.5f}")


def patient(name: str, data: Path, rounds: int) -> None:
    """One study, from the command to the label map."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        bundle = with_weights(name, folder)
        study = sorted(path for path in data.iterdir() if path.is_dir())[0]
        (folder / "one").mkdir()
        (folder / "one" / study.name).symlink_to(study.resolve())
        print(f"{name}, study {study.name}, {rounds} runs of each in turn")
        tell(compare_commands(bundle, folder / "one", rounds, folder))
        agreement(folder, "exact", "stock")
        agreement(folder, "medseg", "exact")


def normalised(data: Path) -> torch.Tensor:
    """The first study as a network sees it, but not cropped: (C, I, J, K), 0 outside the head."""
    from medseg.datasets.detect import read_dataset
    from medseg.io.study import read_study

    image = torch.from_numpy(read_study(read_dataset(data).studies[0]).array).float()
    inside = image > 0
    return torch.where(inside, (image - image[inside].mean()) / image[inside].std(), 0.0)


def stock_windows(bundle_root: Path, data: Path) -> None:
    """Seconds of MONAI's loop over one volume, behind a window to warm up; prints them."""
    from monai.inferers import sliding_window_inference

    from medseg.bundle.read import read_bundle
    from medseg.bundle.window import window_of
    from medseg.steps.predictors import trained_network

    bundle = read_bundle(bundle_root)
    network, window, image = trained_network(bundle, torch.device("cpu")), window_of(bundle), normalised(data)
    assert window is not None
    given: Any = {"overlap": window.overlap, "mode": window.blend, "sigma_scale": window.sigma}
    with torch.inference_mode():
        network(image[None, :, : window.size[0], : window.size[1], : window.size[2]])
        began_s = time.perf_counter()
        sliding_window_inference(image[None], window.size, window.batch, network, **given)[0].argmax(0)
    print(time.perf_counter() - began_s)


def windows(name: str, data: Path, rounds: int) -> None:
    """The same volume through MONAI's loop in fp32 and through medseg's, in turn; MONAI's with its usual allocator."""
    from medseg.bundle.read import read_bundle
    from medseg.engine.averaging import logit_slabs
    from medseg.engine.content import content_box
    from medseg.engine.native import highest
    from medseg.engine.windows import Plan, shifted_plan, stock_plan
    from medseg.steps.computing import Computing
    from medseg.steps.predictors import predictor_of

    with tempfile.TemporaryDirectory() as work:
        root = with_weights(name, Path(work))
        (member,) = predictor_of([read_bundle(root)], Computing(), memory=Path(work) / "measured.json").members
        image, window = normalised(data), member.window
        assert window is not None
        shape, box = image.shape[1:], content_box(image)
        plans: dict[str, Plan] = {
            "all its windows": stock_plan(shape, window),
            "its overlap, over the content": stock_like(shape, window, box),
            "as it comes": shifted_plan(shape, window, box),
        }
        print(f"{name}, {tuple(image.shape)}, windows of {window.size}, {member.forward.mode.name}, {rounds} rounds")
        print(", ".join(f"{way}: {len(plan)} windows" for way, plan in plans.items()))
        times: dict[str, list[Run]] = {"MONAI, fp32": [], **{f"medseg, {way}": [] for way in plans}}
        for _ in range(rounds):
            command = [sys.executable, __file__, "stock-windows", root, data]
            said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            times["MONAI, fp32"].append(Run(float(said.split()[-1]), math.nan))
            for way, plan in plans.items():
                began_s = time.perf_counter()
                with torch.inference_mode():
                    parts = logit_slabs(image, member, lambda _, plan=plan: plan)
                    torch.cat([highest(part.values.nan_to_num(nan=0.0)) for part in parts])
                times[f"medseg, {way}"].append(Run(time.perf_counter() - began_s, math.nan))
        tell(times)


def stock_like(shape: Any, window: Any, box: Any) -> Any:
    """Windows over a box that overlap as much as the bundle says."""
    from medseg.engine.windows import LEAST_OVERLAP, shifted_plan

    return shifted_plan(shape, replace(window, overlap=tuple(one / LEAST_OVERLAP for one in window.overlap)), box)


def cohort(name: str, data: Path, rounds: int) -> None:
    """Many studies: a loop of stock runs, one stock run over all, and medseg; then where medseg's time goes."""
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        bundle = with_weights(name, folder)
        studies = sorted(data.glob("*.nii.gz"))[:STUDIES]
        (folder / "all").mkdir()
        for path in studies:
            (folder / "all" / path.name).symlink_to(path.resolve())
        print(f"{name}, {len(studies)} studies")
        ours = [sys.executable, "-m", "medseg.infer", "--bundle", bundle, "--input", folder / "all", "--output"]
        measured([*ours, folder / "warm"], Path.cwd())
        runs: dict[str, list[Run]] = {"stock MONAI, one by one": [], "stock MONAI, all at once": [], "medseg": []}
        for _ in range(rounds):
            few = [one_by_one(bundle, path, folder) for path in studies[:SAMPLE]]
            mean = sum(run.seconds for run in few) / len(few)
            runs["stock MONAI, one by one"].append(Run(mean * len(studies), max(run.gib for run in few)))
            runs["stock MONAI, all at once"].append(measured(stock_command(bundle, folder / "all", folder), Path.cwd()))
            runs["medseg"].append(measured([*ours, folder / "medseg"], Path.cwd()))
        print(f"one by one: {SAMPLE} runs measured, taken times {len(studies)} / {SAMPLE}")
        tell(runs)
        print("")
        where_the_time_goes(bundle, folder / "all", folder / "parts")


def one_by_one(bundle: Path, scan: Path, folder: Path) -> Run:
    """A stock run on one scan."""
    alone = folder / "alone"
    shutil.rmtree(alone, ignore_errors=True)
    alone.mkdir()
    (alone / scan.name).symlink_to(scan.resolve())
    return measured(stock_command(bundle, alone, folder), Path.cwd())


def where_the_time_goes(bundle: Path, data: Path, output: Path) -> None:
    """Seconds of each step of medseg, summed over the studies, and how much of the whole is no network's."""
    from medseg.engine.forward import Forward
    from medseg.infer import infer
    from medseg.steps.infer_request import InferRequest
    from medseg.steps.segmenter import Segmenter

    spent: dict[str, float] = {}
    for owner, step in ((Segmenter, "read"), (Segmenter, "look"), (Segmenter, "write"), (Forward, "__call__")):
        timed(owner, step, spent)
    began_s = time.perf_counter()
    done = infer(InferRequest(str(bundle), (data,), output), say=lambda _: None)
    whole = time.perf_counter() - began_s
    names = {"read": "reading, preprocessing", "look": "windows, blending", "__call__": "  of it the network"}
    print(f"{'step':28} seconds of {len(done)} studies, ms of one")
    for step, name in (names | {"write": "finishing, writing"}).items():
        print(f"{name:28} {spent[step]:8.2f} {1000 * spent[step] / len(done):12.1f}")
    print(f"{'from first to last':28} {whole:8.2f} {1000 * whole / len(done):12.1f}")
    print(
        f"not network time: {100 * (1 - spent['__call__'] / whole):.1f} % of the whole (reading and writing overlap it)"
    )


def timed(owner: Any, name: str, spent: dict[str, float]) -> None:
    """Let a method add its seconds to a table."""
    method = getattr(owner, name)

    def run(*args: Any, **more: Any) -> Any:
        began_s = time.perf_counter()
        try:
            return method(*args, **more)
        finally:
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began_s

    setattr(owner, name, run)


def floor(name: str, data: Path, rounds: int) -> None:
    """One window, against its convolutions."""
    from inference_floor import floor as print_floor

    with tempfile.TemporaryDirectory() as work:
        print_floor(with_weights(name, Path(work)), rounds)


def main(what: str, name: str, data: Path, rounds: int) -> None:
    """Do one comparison."""
    {"patient": patient, "windows": windows, "cohort": cohort, "floor": floor}[what](name, data, rounds)


if __name__ == "__main__":
    words = sys.argv[1:]
    if words[0] == "stock-windows":  # what `windows` starts, with the allocator as it is
        stock_windows(Path(words[1]), Path(words[2]))
    else:
        keep_freed_memory()
        import_monai_lean()
        main(words[0], words[1], Path(words[2]) if len(words) > 2 else Path(), int(words[3]) if len(words) > 3 else 3)
