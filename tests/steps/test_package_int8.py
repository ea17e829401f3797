import shutil
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from torch.nn import functional

from medseg.bundle.build import build_network, build_preprocessing
from medseg.bundle.pack import seal_bundle
from medseg.bundle.read import Bundle, read_bundle
from medseg.bundle.weights import save_weights
from medseg.core.errors import BundleError, DatalistError
from medseg.core.window import Window
from medseg.datasets.detect import read_dataset
from medseg.steps import package_int8
from medseg.steps.package_int8 import Int8Report, drawn_jobs, quantize_network
from medseg.steps.prepare import prepare_study

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("onnx", "onnxscript", "onnxruntime", "openvino")),
    reason="the extras onnx and openvino are missing",
)
STEPS = 60  # of a training by hand, until the network knows what it sees
FILE = "models/model_int8.onnx"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, planned_cohort: Path) -> Bundle:
    """A small network that has learned the phantoms; it holds the first of them out."""
    root = tiny.write_tiny_bundle(tmp_path_factory.mktemp("bundle") / "tiny")
    bundle = read_bundle(root)
    torch.manual_seed(0)
    network, classes = build_network(bundle).eval(), bundle.labels.class_of_value()  # eval: no heads for a loss
    studies = read_dataset(planned_cohort).studies
    seen = [prepare_study(study, build_preprocessing(bundle), classes) for study in studies]
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for step in range(STEPS):
        one = seen[step % len(seen)]
        i, j, k = (side - side % 4 for side in one.label.shape)  # what its two halvings take
        image, label = torch.from_numpy(one.image[:, :i, :j, :k]), torch.from_numpy(one.label[:i, :j, :k])
        loss = functional.cross_entropy(network(image[None]), label[None].long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    save_weights(network.state_dict(), bundle.weights)
    return replace(bundle, split={"holdout": [studies[0].id]})


@pytest.fixture(scope="module")
def quantized(
    trained: Bundle, planned_cohort: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Int8Report]:
    """The network in 8-bit numbers, and what is said of it."""
    folder = tmp_path_factory.mktemp("package")
    return folder, quantize_network(trained, planned_cohort, folder, say=lambda _: None)


def test_the_report_says_what_was_saved_and_what_was_changed(quantized: tuple[Path, Int8Report]) -> None:
    folder, report = quantized
    assert (folder / report.file).stat().st_size == report.bytes
    assert report.file == FILE
    assert 0 < report.size_ratio < 1
    assert report.window == (1, 1, 16, 24, 16)
    assert {"fp32", "int8"} <= report.window_s.keys() <= {"fp32", "bf16", "int8"}
    assert min(report.window_s.values()) > 0
    assert 0.995 <= report.least_agreement <= 1


def test_labels_are_nearly_those_in_fp32(quantized: tuple[Path, Int8Report]) -> None:
    said = quantized[1].agreement
    assert said.studies == 4  # of five, one of which is held out
    assert list(said.mean) == list(said.least) == ["anterior", "posterior"]
    assert all(0.95 < said.least[name] <= said.mean[name] <= 1 for name in said.mean)


def test_windows_are_of_studies_that_are_not_held_out(quantized: tuple[Path, Int8Report]) -> None:
    report = quantized[1]
    assert (report.studies, report.agreement_on) == (4, "the same studies")
    assert 4 < report.windows <= 4 * 12  # as many of each, and no more than a study has


def test_what_is_drawn_never_is_of_the_hold_out(
    trained: Bundle, planned_cohort: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package_int8, "WINDOWS", 2)
    monkeypatch.setattr(package_int8, "COMPARED", 1)
    first, others = drawn_jobs(trained, planned_cohort, seed=0, say=lambda _: None)
    ids = [job.id for job in (*first, *others)]
    assert (len(first), len(others), len(set(ids))) == (2, 1, 3)
    assert not {*ids} & {*(trained.split or {})["holdout"]}
    again, _ = drawn_jobs(trained, planned_cohort, seed=0, say=lambda _: None)
    assert [job.id for job in again] == ids[:2]
    drawn = [tuple(job.id for job in drawn_jobs(trained, planned_cohort, seed=n)[0]) for n in range(8)]
    assert len(set(drawn)) > 1


def test_studies_that_are_all_held_out_are_refused(trained: Bundle, planned_cohort: Path, tmp_path: Path) -> None:
    ids = [study.id for study in read_dataset(planned_cohort).studies]
    with pytest.raises(DatalistError, match=r"--calibrate '.*': all 5 studies are of the hold-out; give studies that"):
        quantize_network(replace(trained, split={"holdout": ids}), planned_cohort, tmp_path, say=lambda _: None)


def test_a_network_whose_labels_8_bit_numbers_change_is_not_packaged(tmp_path: Path, planned_cohort: Path) -> None:
    bundle = read_bundle(tiny.add_random_weights(tiny.write_tiny_bundle(tmp_path / "tiny")))  # sure of nothing
    with pytest.raises(BundleError, match=r"labels 9\d\.\d\d % of the voxels of a window as .* 99\.5 % are wanted"):
        quantize_network(bundle, planned_cohort, tmp_path / "package", say=lambda _: None)
    assert list((tmp_path / "package" / "models").iterdir()) == []


def test_windows_are_shown_as_inference_shows_them() -> None:
    image = torch.arange(6 * 8 * 8, dtype=torch.float32).reshape(1, 6, 8, 8)
    window = Window((8, 8, 8), (0.0, 0.0, 0.0), pad_value=-1.0)
    (shown,) = package_int8._shown(image, window, 3, np.random.default_rng(0))
    expected = functional.pad(image, (0, 0, 0, 0, 1, 1), value=-1.0)
    assert np.array_equal(shown, expected[None].numpy())


def test_planes_are_shown_without_the_axis_that_a_2d_network_does_not_see() -> None:
    image = torch.arange(5 * 8 * 8, dtype=torch.float32).reshape(1, 5, 8, 8)
    window = Window((1, 8, 8), (0.0, 0.0, 0.0), batch=2, unseen_axis=0)
    shown = package_int8._shown(image, window, 3, np.random.default_rng(0))
    planes = [int(one[0, 0, 0, 0]) // 64 for one in shown]
    assert planes == sorted(set(planes))
    assert len(planes) == 3
    assert all(np.array_equal(one[0, 0], image[0, n].numpy()) for one, n in zip(shown, planes, strict=True))


def test_infer_runs_it_where_the_bundle_has_it_and_says_so(
    quantized: tuple[Path, Int8Report], trained: Bundle, tmp_path: Path, planned_cohort: Path
) -> None:
    root = Path(shutil.copytree(trained.root, tmp_path / "hippocampus_unet3d"))
    words = ["--bundle", root, "--input", planned_cohort, "--output", tmp_path / "out", "--engine", "int8"]
    answer = tiny.call("infer", *words)
    assert answer.code == 2
    assert "bundle 'hippocampus_unet3d' has no models/model_int8.onnx. Take another engine" in answer.err
    (root / FILE).write_bytes((quantized[0] / FILE).read_bytes())
    seal_bundle(root, {"name": "any", "version": "1"}, None)
    answer = tiny.call("infer", *words)
    assert answer.code == 0, answer.err
    assert "cpu, int8" in answer.out


def test_a_report_can_be_written_as_json(quantized: tuple[Path, Int8Report]) -> None:
    assert asdict(quantized[1])["agreement"]["studies"] == 4
