from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch

from medseg.bundle.golden import EXPECTED, FILE, LEAST_DICE, channel_file, read_golden
from medseg.bundle.read import Bundle, read_bundle
from medseg.bundle.weights import save_weights
from medseg.core.errors import BundleError, DatalistError
from medseg.core.volume import Volume
from medseg.io.nifti import read_label, read_volume, write_labels, write_volume
from medseg.steps import golden_study
from medseg.steps.golden_study import SEED, make_golden, verify_golden, volume_of


@pytest.fixture(scope="module", autouse=True)
def _apart(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What is measured of this machine stays out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny bundle with random weights and a golden study; do not write into it."""
    root = tiny.add_random_weights(tiny.write_tiny_bundle(tmp_path_factory.mktemp("made") / "hippocampus_unet3d"))
    make_golden(read_bundle(root), None)
    return root


@pytest.fixture
def bundle(made: Path, tmp_path: Path) -> Bundle:
    """A copy to damage."""
    import shutil

    return read_bundle(Path(shutil.copytree(made, tmp_path / "hippocampus_unet3d")))


def _change_weights(bundle: Bundle, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    state = torch.load(bundle.weights, weights_only=True)
    change(state)
    save_weights(state, bundle.weights)


def test_a_golden_study_is_a_drawn_scan_and_what_the_network_finds_in_it(made: Path) -> None:
    bundle = read_bundle(made)
    golden = read_golden(made, ("t1",))
    assert golden.source.startswith("phantom, drawn by medseg")
    labels, affine = read_label(made / EXPECTED)
    scan = read_volume(made / golden.channels["t1"])
    assert labels.shape == scan.shape
    assert np.allclose(affine, scan.affine_ras)
    counted = {label.name: int((labels == label.value).sum()) for label in bundle.labels.labels}
    assert golden.voxels == counted
    assert any(counted.values())


def test_a_package_grows_by_little(made: Path) -> None:
    assert sum(path.stat().st_size for path in (made / "golden").rglob("*.nii.gz")) < 2**20


def test_the_machine_that_made_it_computes_it_again(made: Path) -> None:
    lines: list[str] = []
    packaged, here = verify_golden(read_bundle(made), lines.append)
    assert packaged.least == 1.0
    assert 0 < here.least <= 1.0  # windows laid otherwise: to random weights that is another image
    assert lines[0] == "golden study in fp32, as packaged: Dice anterior 1.0000, posterior 1.0000"


def test_other_weights_are_found_out(bundle: Bundle) -> None:
    _change_weights(bundle, lambda state: [value.mul_(1.1) for value in state.values() if value.ndim > 1])
    packaged, _ = verify_golden(bundle, lambda _: None)
    assert packaged.least < LEAST_DICE


def test_a_network_that_finds_nothing_makes_no_golden_study(bundle: Bundle) -> None:
    def background(state: dict[str, torch.Tensor]) -> None:
        for key, value in state.items():
            if "output_block" in key:
                value.zero_()
                if key.endswith("bias"):
                    value[0] = 1.0

    _change_weights(bundle, background)
    (bundle.root / FILE).unlink()
    with pytest.raises(BundleError, match="finds no label in the golden study"):
        make_golden(bundle, None)
    assert not (bundle.root / FILE).exists()


def test_a_bundle_without_phantom_gets_noise(bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(golden_study, "DRAWN", 1)
    assert make_golden(replace(bundle, phantom=None), None).source.startswith("noise, drawn by medseg")


def test_a_scan_that_is_given_is_kept_as_it_is(bundle: Bundle, tmp_path: Path) -> None:
    cohort = tiny.write_tiny_cohort(tmp_path / "one", studies=1)
    golden = make_golden(bundle, cohort, licence="CC-BY-4.0")
    assert (golden.source, golden.licence) == ("a scan that was given when it was packaged", "CC-BY-4.0")
    (scan,) = (cohort / "imagesTr").glob("*.nii.gz")
    given, kept = read_volume(scan), read_volume(bundle.root / channel_file(0))
    assert np.abs(given.array - kept.array).max() <= 0.5
    assert np.allclose(given.affine_ras, kept.affine_ras)
    assert verify_golden(bundle, lambda _: None)[0].least == 1.0


def test_several_scans_are_no_golden_study(bundle: Bundle, planned_cohort: Path) -> None:
    with pytest.raises(DatalistError, match="holds 5 studies; give one"):
        make_golden(bundle, planned_cohort)


def test_a_scan_that_is_too_large_for_every_package_is_refused(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cohort = tiny.write_tiny_cohort(tmp_path / "one", studies=1)
    monkeypatch.setattr(golden_study, "MOST_VOXELS", 100)
    with pytest.raises(DatalistError, match="at most 100 go into every package"):
        make_golden(bundle, cohort)


def test_the_same_bundle_gets_the_same_scan(bundle: Bundle, made: Path) -> None:
    make_golden(bundle, None)
    assert (bundle.root / EXPECTED).read_bytes() == (made / EXPECTED).read_bytes()
    assert SEED == 2026


def test_a_label_map_on_another_grid_is_refused(bundle: Bundle) -> None:
    write_labels(bundle.root / EXPECTED, np.ones((3, 3, 3), np.uint8), np.eye(4))
    with pytest.raises(BundleError, match=r"expected\.nii\.gz' has shape \(3, 3, 3\)"):
        verify_golden(bundle, lambda _: None)


def test_a_label_map_without_labels_proves_nothing(bundle: Bundle) -> None:
    labels, affine = read_label(bundle.root / EXPECTED)
    write_labels(bundle.root / EXPECTED, np.zeros_like(labels), affine)
    with pytest.raises(BundleError, match="shows no label of the bundle, and so proves nothing"):
        verify_golden(bundle, lambda _: None)


def test_channels_of_different_shapes_are_refused(brats: Bundle, tmp_path: Path) -> None:
    files = {channel.name: f"{n}.nii.gz" for n, channel in enumerate(brats.channels)}
    for n, name in enumerate(files.values()):
        write_volume(tmp_path / name, Volume(np.ones((1, 4, 4, 4 + (n == 2)), np.int16), np.eye(4)))
    with pytest.raises(BundleError, match=r"channels of shapes \(1, 4, 4, 4\), \(1, 4, 4, 5\)"):
        volume_of(replace(brats, root=tmp_path), files)


def test_channels_come_in_the_bundle_s_order(brats: Bundle, tmp_path: Path) -> None:
    files = {channel.name: f"{n}.nii.gz" for n, channel in enumerate(brats.channels)}
    for n, name in enumerate(files.values()):
        write_volume(tmp_path / name, Volume(np.full((1, 4, 4, 4), n, np.int16), np.eye(4)))
    volume = volume_of(replace(brats, root=tmp_path), dict(reversed(files.items())))
    assert volume.array[:, 0, 0, 0].tolist() == [0, 1, 2, 3]
