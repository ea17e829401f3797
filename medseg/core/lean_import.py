"""Import MONAI and nibabel without the packages that they import only because they are installed."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator, Sequence

# `import monai` imports all of MONAI, and that asks for each of these and does without where there is none. Nothing
# that segments needs them: they are for its engines, plots, tables, tracking, searches, and for readers of files that
# medseg reads itself. On two cores of a Zen 4 they are 2.9 of the 3.8 s of CPU time of `import monai`, and 0.2 GB.
NOT_NEEDED = (
    "cv2",
    "gdown",
    "h5py",
    "ignite",
    "itk",
    "lmdb",
    "matplotlib",
    "mlflow",
    "onnx",
    "onnxruntime",
    "optuna",
    "pandas",
    "pydicom",
    "requests",
    "scipy.signal",
    "scipy.stats",
    "sklearn",
    "tensorboard",
    "tensorboardX",
    "transformers",
    "zarr",
)
# Some of MONAI's transforms compute with these, most do not: half of the time and memory of what is left of its import.
SCIENTIFIC = ("scipy", "skimage")
_NIFTI_ALONE = ("h5py", "pydicom", "scipy")  # nibabel has them for other formats and for filters


def import_monai_lean(*, plain: bool = False) -> None:
    """Import MONAI while the packages it can do without are hidden; nothing where it is imported already.

    For commands that segment: what MONAI builds upon these packages stays unavailable to it in this process, with an
    error that names the package. medseg's own imports of them work as ever.

    Args:
        plain: Whether to hide SciPy and scikit-image as well, as no transform will need them.
    """
    if "monai" not in sys.modules:
        import_nibabel_lean()
        with hidden((*NOT_NEEDED, *SCIENTIFIC) if plain else NOT_NEEDED):
            importlib.import_module("monai")


def import_nibabel_lean() -> None:
    """Import nibabel for NIfTI files alone; nothing where it is imported already."""
    if "nibabel" not in sys.modules:
        with hidden(_NIFTI_ALONE):
            importlib.import_module("nibabel")


@contextlib.contextmanager
def hidden(names: Sequence[str]) -> Iterator[None]:
    """Let imports of these packages fail as if they were not installed; those that are imported already stay."""
    mine = [name for name in names if name not in sys.modules]
    for name in mine:
        sys.modules[name] = None  # type: ignore[assignment]  # Python's own sign for "do not look"
    try:
        yield
    finally:
        for name in mine:
            if sys.modules.get(name, "") is None:
                del sys.modules[name]
