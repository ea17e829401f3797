"""Data that several tests share."""

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

# The same examples each time, and no clock: a busy machine must not turn a test red.
settings.register_profile("medseg", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("medseg")

_CHECKOUT = Path(__file__).resolve().parents[1]
_ENDED = pytest.StashKey[int]()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Remember how the tests ended."""
    session.config.stash[_ENDED] = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End at once when all is reported.

    The tests load more native libraries into one process than any command does, among them three copies of GDCM and
    two of OpenJPEG; once their destructors freed something twice, after the last test had passed.
    How the commands themselves end is tested in processes of their own.
    """
    if _ENDED in config.stash and not hasattr(config, "workerinput"):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(config.stash[_ENDED])


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of openly licensed scans; the test is skipped where it is absent."""
    folder = Path(os.environ.get("MEDSEG_DATA", _CHECKOUT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no real scans at {folder}; set MEDSEG_DATA to their folder")
    return folder


@pytest.fixture(scope="session")
def phantom_brats(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four brain tumour phantoms of 48 x 56 x 48 voxels in a BraTS folder; do not write into it."""
    from medseg.datasets.phantom import write_phantom_cohort

    return write_phantom_cohort(
        tmp_path_factory.mktemp("phantom") / "brats", kind="brain_tumour", studies=4, seed=0, scale=0.5
    )


@pytest.fixture(scope="session")
def small_bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with a copy of each shipped bundle, under its name, with a narrow network, small patches and two epochs.

    Given as MEDSEG_BUNDLES it lets a test run the commands of the pages word for word within seconds.
    """
    root = tmp_path_factory.mktemp("small")
    for bundle in sorted(path for path in (_CHECKOUT / "bundles").iterdir() if (path / "configs").is_dir()):
        shutil.copytree(bundle, root / bundle.name, ignore=shutil.ignore_patterns("models"))
        for path in (root / bundle.name / "configs").glob("*.yaml"):
            path.write_text(_shrunk(path.read_text(encoding="utf-8")), encoding="utf-8")
    return root


@pytest.fixture
def series() -> Callable[..., Any]:
    """Make a series as the gate leaves it, from header attributes by keyword; nothing is written."""
    from pydicom import Dataset

    from medseg.core.verdict import Finding, Verdict
    from medseg.io.dicom_series import Series, Slice

    def make(
        number: int | None = 1,
        description: str = "",
        *,
        shape: tuple[int, int, int] = (64, 64, 20),
        affine: np.ndarray | None = None,
        refused: str = "",
        is_image: bool = True,
        uid: str = "",
        study: str = "1.2",
        **attributes: Any,
    ) -> Series:
        header = Dataset()
        for keyword, value in {"Modality": "MR", "FrameOfReferenceUID": "1.2.9", **attributes}.items():
            setattr(header, keyword, value)
        if description:
            header.SeriesDescription = description
        slices = tuple(Slice(Path(f"{n}.dcm"), None, header, None, None, None, None, None) for n in range(shape[2]))
        findings = (Finding("slice_missing", refused),) if refused else ()
        return Series(
            study_uid=study,
            uid=uid or f"1.2.3.{number}",
            number=number,
            description=description,
            modality=header.Modality,
            slices=slices,
            shape=shape,
            affine_ras=np.diag([1.0, 1.0, 3.0, 1.0]) if affine is None else affine,
            verdict=Verdict(findings),
            is_image=is_image,
        )

    return make


def _shrunk(text: str) -> str:
    text = re.sub(r"\n  (filters|channels): \[(.*)\]", lambda m: f"\n  {m[1]}: {[4] + [8] * m[2].count(',')}", text)
    text = re.sub(r"\n  (roi_size|patch): \[(.*)\]", lambda m: f"\n  {m[1]}: [{re.sub('[0-9]{2,}', '32', m[2])}]", text)
    text = text.replace("init_filters: 16", "init_filters: 8")
    text = re.sub(r"\n  patches_per_study: \d+", "\n  patches_per_study: 1", text)
    text = re.sub(r"\n  every: \d+", "\n  every: 1", text)
    return re.sub(r"\n  epochs: \d+", "\n  epochs: 2", text)
