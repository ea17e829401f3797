"""Series of real scanners: damaged in 46 ways they get the right verdict, and whole they lie where dcm2niix says."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest

from medseg.core.verdict import Verdict
from medseg.core.volume import Volume
from medseg.io.dicom import check_series, find_series, read_series
from medseg.io.dicom_write import write_series

pytestmark = [pytest.mark.realdata]

VARIANTS = {
    "oblique MR": "mr_braintumor_4seq/dicom/11-T1post-18670",
    "CT": "ct_abdomen_j2k_seg/dicom_fixed_uids",
    "sagittal MR": "mr_sag_HFS/dicom",
    "phantom": None,
}
# A study reader lists both series and accepts each; which is meant is asked where one is needed.
OTHER_ANSWERS = {"two_series_one_dir": "accept"}
CODERS = {
    **{"ts_implicit": "dcmconv", "ts_bigendian": "dcmconv", "ts_deflated": "dcmconv", "ts_rle": "dcmcrle"},
    **{"ts_jpeg_lossless": "dcmcjpeg", "ts_jpeg_lossy12": "dcmcjpeg", "ts_jpegls": "dcmcjpls", "ts_j2k": "gdcmconv"},
}
PLACE_MM = 0.02
CLEAN = {
    **{f"brain {name}": f"mr_braintumor_4seq/dicom/{name}" for name in ("11-T1post-18670", "26401-T1prereg-52906")},
    **{f"brain {name}": f"mr_braintumor_4seq/dicom/{name}" for name in ("36468-FLAIRreg-58706", "37830-T2reg-78532")},
    **{"abdomen": "ct_abdomen_j2k_seg/dicom_fixed_uids", "sagittal": "mr_sag_HFS/dicom"},
}


# --- the 46 variants ---


@pytest.fixture(scope="module", params=VARIANTS)
def variants(
    request: pytest.FixtureRequest, real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, dict]]:
    """Folder with a folder for each variant, and what must be said of it by name."""
    tool = real_data.parent / "tools" / "make_dicom_cases.py"
    if not tool.is_file():
        pytest.skip(f"no {tool} that makes the variants")
    expected = json.loads(tool.with_name("dicom_case_verdicts.json").read_text(encoding="utf-8"))["cases"]
    folder = tmp_path_factory.mktemp("variants")
    source = real_data / "dicom" / VARIANTS[request.param] if VARIANTS[request.param] else folder / "source"
    if VARIANTS[request.param] is None:
        write_series(phantom(), source, description="Phantom")
    subprocess.run([sys.executable, tool, source, folder / "made"], check=True, capture_output=True)
    yield folder / "made", expected
    shutil.rmtree(folder)


def phantom() -> Volume:
    """A ball with a gradient, 72 x 64 x 24 voxels, oblique."""
    i, j, k = np.indices((72, 64, 24))
    ball = ((i - 36) / 30) ** 2 + ((j - 32) / 28) ** 2 + ((k - 12) / 11) ** 2 < 1
    values = np.where(ball, 400 + 10 * i + 7 * j + 5 * k, 0)
    affine = np.eye(4)
    turned = np.array([[0.8, -0.6, 0.0], [0.48, 0.64, -0.6], [0.36, 0.48, 0.8]]).T
    affine[:3, :3] = turned * [0.9, 1.1, 3.0]
    affine[:3, 3] = [-40, 25, 7]
    return Volume(values[None], affine)


def part(first: int, last: int | None) -> Callable[[Volume], Volume]:
    def of(good: Volume) -> Volume:
        affine = good.affine_ras.copy()
        affine[:3, 3] += first * affine[:3, 2]
        return Volume(good.array[..., first:last], affine)

    return of


def signed(good: Volume) -> Volume:
    """Stored values less 1024, without rescale: in CT, whose intercept is -1024, the same HU."""
    return good if good.array.min() < -500 else Volume(good.array - 1024, good.affine_ras)


def padded(good: Volume) -> Volume:
    """A corner that declares itself as padding is air in CT, 0 in these MR."""
    array = good.array.copy()
    array[:, :20, :20] = -1024 if good.array.min() < -500 else 0
    return Volume(array, good.affine_ras)


RIGHT: dict[str, Callable[[Volume], Volume]] = {
    "missing_end_slice": part(0, -1),
    "two_slices": part(5, 7),
    "signed_16bit_negative": signed,
    "padding_value_m2000": padded,
}
# Of the largest value. A slope of its own for each slice rounds to half a step of up to 2; dcmcjpeg's quality is 90.
VALUES_RTOL = {"slope_per_slice": 2e-3, "ts_jpeg_lossy12": 0.03}


@pytest.mark.external
def test_each_variant_gets_its_verdict_and_the_right_volume(variants: tuple[Path, dict]) -> None:
    folder, expected = variants
    good = volume_in(folder / "good")
    wrong, tried = [], 0
    for name, row in expected.items():
        if not (folder / name).is_dir():
            assert name in CODERS, f"{name} was not made"
            assert shutil.which(CODERS[name]) is None or name == "ts_jpeg_lossy12", f"{CODERS[name]} made no {name}"
            continue
        tried += 1
        wrong += faults(name, row, folder / name, good)
    print(f"{tried} of {len(expected)} variants tried, {len(wrong)} disagreements")
    assert wrong == []
    assert tried >= len(expected) - len(CODERS)


def faults(name: str, row: dict, folder: Path, good: Volume) -> Iterator[str]:
    found = find_series(folder)
    verdicts = [check_series(series) for series in found.series]
    wanted = OTHER_ANSWERS.get(name, row["do"])
    given = answer(verdicts)
    # A warning more than expected is no disagreement: few slices, MONOCHROME1, no preamble.
    if given != wanted and (wanted, given) != ("accept", "warn"):
        yield f"{name}: {given}, not {wanted}: {verdicts}"
        return
    said = " ".join(one.sentence for verdict in verdicts for one in (*verdict.refusals, *verdict.warnings))
    if name not in OTHER_ANSWERS:
        yield from (
            f"{name}: {pattern!r} is not in: {said}"
            for pattern in row.get("says", [])
            if not re.search(pattern, said, re.IGNORECASE)
        )
    if given != "reject" and len(found.series) == 1:
        right, volume = RIGHT.get(name, lambda volume: volume)(good), read_series(found.series[0])[0]
        yield from differences(name, volume, right)


def answer(verdicts: list[Verdict]) -> str:
    if not verdicts or any(not verdict.accepted for verdict in verdicts):
        return "reject"
    return "warn" if any(verdict.warnings for verdict in verdicts) else "accept"


def differences(name: str, volume: Volume, right: Volume) -> Iterator[str]:
    if volume.shape != right.shape:
        yield f"{name}: shape {volume.shape}, not {right.shape}"
        return
    if (apart := corners_apart_mm(volume.affine_ras, right.affine_ras, right.shape)) > PLACE_MM:
        yield f"{name}: a corner lies {apart:.3g} mm away"
    worst = float(np.abs(volume.array - right.array).max()) / float(np.abs(right.array).max())
    if worst > VALUES_RTOL.get(name, 0):
        yield f"{name}: values differ by {worst:.2g} of the largest"


def corners_apart_mm(one: np.ndarray, other: np.ndarray, shape: tuple[int, ...]) -> float:
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape], indexing="ij")).reshape(3, -1)
    apart = (one - other) @ np.vstack([corners, np.ones(8)])
    return float(np.linalg.norm(apart[:3], axis=0).max())


# --- geometry ---


def volume_in(folder: Path) -> Volume:
    """The one series in a folder, accepted without a warning but for what lies in its past."""
    (series,) = find_series(folder).series
    volume, verdict = read_series(series)
    assert {one.code for one in verdict.warnings} <= {"lossy", "uids_absent"}, verdict
    return volume


def compared(volume: Volume, other: nibabel.Nifti1Image) -> tuple[float, float]:
    """Largest distance of a corner in mm and largest difference of a value, both on the other's axes."""
    ours = nibabel.as_closest_canonical(nibabel.Nifti1Image(volume.array[0], volume.affine_ras))
    theirs = nibabel.as_closest_canonical(other)
    assert ours.shape == theirs.shape
    apart_mm = corners_apart_mm(ours.affine, theirs.affine, ours.shape)
    return apart_mm, float(np.abs(np.asarray(ours.dataobj) - np.asarray(theirs.dataobj)).max())


@pytest.mark.external
@pytest.mark.skipif(shutil.which("dcm2niix") is None, reason="dcm2niix is not installed")
@pytest.mark.parametrize("name", CLEAN)
def test_a_clean_series_lies_where_dcm2niix_puts_it_and_has_its_values(
    real_data: Path, tmp_path: Path, name: str
) -> None:
    folder = real_data / "dicom" / CLEAN[name]
    subprocess.run(["dcm2niix", "-f", "it", "-o", tmp_path, folder], check=True, capture_output=True)
    (path,) = tmp_path.glob("*.nii")
    apart_mm, difference = compared(volume_in(folder), nibabel.load(path))
    print(f"{name}: {apart_mm:.2g} mm, values {difference:g}")
    assert apart_mm < PLACE_MM
    assert difference == 0


def test_fragmented_jpeg_2000_is_the_reference_that_comes_with_it(real_data: Path) -> None:
    (path,) = (real_data / "dicom" / "mr_frag_j2k" / "ref").glob("*.nii")
    apart_mm, difference = compared(volume_in(real_data / "dicom" / "mr_frag_j2k" / "dicom"), nibabel.load(path))
    assert apart_mm < PLACE_MM
    assert difference == 0


def test_the_label_map_of_the_ct_lies_on_its_slices(real_data: Path) -> None:
    """Labels drawn by others, on the grid as NIfTI converters make it."""
    labels = nibabel.load(real_data / "dicom" / "ct_abdomen_j2k_seg" / "seg.nii.gz")
    volume = volume_in(real_data / "dicom" / "ct_abdomen_j2k_seg" / "dicom_fixed_uids")
    apart_mm, _ = compared(volume, labels)
    assert apart_mm < PLACE_MM


@pytest.mark.parametrize("name", ["mr_enh_xa10_4d", "mr_enh_philips_b0"])
def test_several_volumes_in_enhanced_objects_are_refused_and_one_can_be_chosen(real_data: Path, name: str) -> None:
    series = find_series(real_data / "dicom" / name / "dicom").series
    assert [one.verdict.accepted for one in series] == [False] * len(series)
    for one in series:
        assert one.verdict.code in ("several_stacks", "several_volumes")
        assert "--select" in one.verdict.reason
