"""The plan of the house, read from the imports: floors, doors, sizes, and what a file must say."""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]
PACKAGE = CHECKOUT / "medseg"
MODULES = sorted(PACKAGE.rglob("*.py"))
OTHERS = sorted(path for folder in ("pipelines", "benchmarks", "tests") for path in (CHECKOUT / folder).rglob("*.py"))

# From the ground up. What stands on one floor never imports its neighbour.
FLOORS = (
    {"core"},
    {"io", "recipe"},
    {"bundle", "datasets", "transforms", "metrics", "planning"},
    {"engine", "runs"},
    {"steps"},
    {"plan", "train", "tune", "infer", "evaluate", "package", "verify", "inspect", "keygen", "check", "deidentify"},
    {"cli"},
    {"__main__"},
)
# One door per dependency: the files that may import it.
DOORS = {
    "nibabel": ("io/nifti*.py",),
    "PIL": ("io/picture*.py",),
    "pydicom": ("io/dicom*.py",),
    "highdicom": ("io/dicom*.py",),
    "SimpleITK": ("io/itk.py",),
    "mlflow": ("runs/tracking*.py",),
    "onnxruntime": ("engine/onnx_runtime.py", "engine/quantize.py"),
    "openvino": ("engine/openvino.py", "engine/runtimes.py"),
    "cryptography": ("bundle/minisign.py",),
    **dict.fromkeys(("cyclonedx", "packageurl", "packaging"), ("steps/package_sbom.py",)),
    "matplotlib": ("runs/pictures*.py",),
    "tqdm": ("runs/progress.py",),
    "optuna": ("steps/tuning_search.py",),
    "yaml": ("recipe/*.py", "bundle/*.py", "runs/config_file.py"),
    # steps name the types of what bundle/ builds, and the version that a cache entry belongs to
    "monai": ("bundle/*.py", "transforms/*.py", "engine/*.py", "steps/parts.py", "steps/prepare.py"),
    "torch": ("bundle/*.py", "transforms/*.py", "engine/*.py", "steps/*.py"),
}
ONLY_NUMPY = {"core": {"numpy"}, "metrics": {"numpy", "scipy"}, "datasets": {"numpy"}, "planning": {"numpy"}}
CEILING = 300  # lines; a longer file holds two ideas
LONGER = {
    "tests/verbs/bad_inputs.py": "one table with a row per bad input; cut in two it would have two places to look",
}


def imports(path: Path) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node


def imported(path: Path) -> set[str]:
    """Dotted names of all modules a file imports, wherever in it."""
    names = set()
    for node in imports(path):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def own(path: Path) -> set[str]:
    """Parts of medseg that a file imports: "core", "train" …"""
    return {name.split(".")[1] for name in imported(path) if name.startswith("medseg.")}


def part_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def where(path: Path) -> str:
    return path.relative_to(CHECKOUT).as_posix()


def floor_of(part: str) -> int:
    return next(number for number, parts in enumerate(FLOORS) if part in parts)


def is_part(name: str) -> bool:
    return any(name in parts for parts in FLOORS)


def test_every_part_has_a_floor() -> None:
    assert {part_of(path) for path in MODULES} - {"__init__", "_bundles"} == set.union(*FLOORS)


def test_imports_lead_downward_and_never_to_a_neighbour() -> None:
    wrong = [
        f"{where(path)} (floor {floor_of(part_of(path))}) imports {name} (floor {floor_of(name)})"
        for path in MODULES
        if part_of(path) != "__init__"
        for name in sorted(own(path))
        if is_part(name) and name != part_of(path) and floor_of(name) >= floor_of(part_of(path))
    ]
    assert wrong == []


@pytest.mark.parametrize("package", sorted(DOORS))
def test_a_dependency_comes_in_by_its_door(package: str) -> None:
    users = [path for path in MODULES if package in {name.split(".")[0] for name in imported(path)}]
    wrong = [
        where(path)
        for path in users
        if not any(fnmatch(path.relative_to(PACKAGE).as_posix(), pattern) for pattern in DOORS[package])
    ]
    assert wrong == []


@pytest.mark.parametrize("part", sorted(ONLY_NUMPY))
def test_a_plain_floor_needs_numpy_and_the_standard_library_alone(part: str) -> None:
    import sys

    for path in (PACKAGE / part).rglob("*.py"):
        outside = {name.split(".")[0] for name in imported(path)} - sys.stdlib_module_names - {"medseg"}
        assert outside <= ONLY_NUMPY[part], where(path)


def test_nothing_imports_a_pipeline() -> None:
    pipelines = {path.stem for path in (CHECKOUT / "pipelines").glob("*.py")} | {"pipelines"}
    assert [where(p) for p in MODULES if {name.split(".")[0] for name in imported(p)} & pipelines] == []


def test_bundles_hold_no_python() -> None:
    assert [where(path) for path in (CHECKOUT / "bundles").rglob("*.py*")] == []


def test_imports_are_absolute() -> None:
    relative = [
        f"{where(path)}:{node.lineno}"
        for path in [*MODULES, *OTHERS]
        for node in imports(path)
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_a_folder_names_itself_and_does_nothing() -> None:
    for path in PACKAGE.rglob("__init__.py"):
        body = ast.parse(path.read_text(encoding="utf-8")).body
        assert all(isinstance(node, ast.Expr | ast.Assign | ast.ImportFrom) for node in body), where(path)


def test_no_file_is_longer_than_its_ceiling_without_a_reason() -> None:
    lengths = {where(path): len(path.read_text(encoding="utf-8").splitlines()) for path in [*MODULES, *OTHERS]}
    longer = {name for name, lines in lengths.items() if lines > CEILING}
    assert longer - LONGER.keys() == set()


def test_every_module_opens_with_a_sentence() -> None:
    for path in MODULES:
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
        assert text, where(path)
        assert len(text.splitlines()[0]) > 20 or path.name == "__main__.py", where(path)


def test_nothing_is_left_undone() -> None:
    undone = re.compile(r"raise NotImplementedError|\b(TODO|FIXME|XXX)\b")
    assert [where(path) for path in MODULES if undone.search(path.read_text(encoding="utf-8"))] == []


def test_no_module_has_a_name_that_says_nothing() -> None:
    empty = {"utils", "helpers", "common", "misc"}
    assert [where(path) for path in [*MODULES, *OTHERS] if {*path.with_suffix("").parts} & empty] == []


def test_every_test_mirrors_a_module() -> None:
    names = {path.relative_to(PACKAGE).with_suffix("").as_posix() for path in MODULES}
    folders = {path.parent.relative_to(PACKAGE).as_posix() for path in MODULES} - {"."}
    stray = [
        where(path)
        for path in (CHECKOUT / "tests").rglob("test_*.py")
        if (folder := path.parent.relative_to(CHECKOUT / "tests").as_posix()) in folders
        and not any(name.startswith(f"{folder}/") and _mirrors(path.stem, name.split("/")[-1]) for name in names)
    ]
    assert stray == []


def _mirrors(test: str, module: str) -> bool:
    """`test_tracker_server` belongs to `tracker` as `test_tracker` does."""
    return f"{test}_".startswith(f"test_{module}_")
