"""The pages are true: every block runs or says why not, links lead somewhere, lists are those of the code.

How a page runs: its blocks in order, in one new folder per page. The commands are run as written, but for ``SHORTER``.
The names they use are made to fit: ``MEDSEG_BUNDLES`` holds small copies of the bundles, ``path/to`` and
``runs/phantoms`` hold small phantom cohorts and DICOM studies.
"""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from scans_of_the_pages import write_label_maps, write_scans

from medseg import check, cli, deidentify, evaluate, infer, inspect, keygen, package, plan, train, tune, verify
from medseg.core.command import Parser
from medseg.datasets.detect import DATASETS
from medseg.datasets.phantom import write_phantom_cohort
from medseg.recipe.layers import leaves
from medseg.runs.evaluation_facts import EvaluationFacts
from medseg.runs.evaluation_files import PER_LESION, PER_STUDY, REPORT, SUMMARY, summary_of
from medseg.runs.folder import RunFolder
from tests.evaluations import evaluation

ROOT = Path(__file__).resolve().parents[1]
TOP_PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "pipelines" / "README.md"]
PAGES = [*TOP_PAGES, *sorted((ROOT / "docs").rglob("*.md"))]
EXECUTED = ("bash", "python")
SHOWN = ("text",)  # output or a drawing; nothing to run
BLOCK_LIMIT_S = 400

# What is replaced before a block runs.
SHORTER = {r"--budget \S+": "--epochs 2", "^python ": f"{sys.executable} "}

# Blocks that cannot run here, by page and first line: why, and where else they run.
NOT_RUN = {
    ("README.md", "make demo"): "makes an environment and takes minutes; both lines are what .ci/run runs",
    ("CONTRIBUTING.md", "make test"): "would run these tests again; .ci/run runs it",
    ("CONTRIBUTING.md", "ruff check"): "are the steps of make test",
    ("pipelines/README.md", "python pipelines/phantom_smoke.py"): "run by tests/pipelines",
    (
        "docs/how-to/ship-a-model.md",
        "python -m medseg.package --run runs/hippocampus_unet3d/first --output eight-bits.zip",
    ): "refuses a network of two epochs; run by tests/verbs/test_package_elsewhere.py with one that is trained",
    ("docs/how-to/track-on-a-server.md", "mlflow ui"): "serves until stopped; it reads what test_tracker.py writes",
    ("docs/how-to/track-on-a-server.md", "mlflow server"): "serves until stopped; started by test_tracking_server.py",
    ("docs/how-to/track-on-a-server.md", "export MLFLOW"): "needs that server; test_tracking_server.py tracks on one",
    ("docs/how-to/train-on-your-data.md", "torchrun"): "two processes take minutes here; tested with the verb train",
}


class Block(NamedTuple):
    page: str
    language: str
    text: str

    @property
    def not_run(self) -> tuple[str, str] | None:
        """Its row in NOT_RUN, if it has one."""
        return next((key for key in NOT_RUN if key[0] == self.page and self.text.startswith(key[1])), None)


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def _blocks(page: Path) -> list[Block]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [Block(_name(page), language, text) for language, text in found]


BLOCKS = [block for page in PAGES for block in _blocks(page)]
# These train a model and then use it again and again; each takes most of a minute or more.
SLOW = (
    "docs/how-to/scanner.md",
    "docs/how-to/cross-validate.md",
    "docs/how-to/ensemble.md",
    "docs/how-to/evaluate.md",
    "docs/how-to/many-studies.md",
    "docs/how-to/plan.md",
    "docs/how-to/ship-a-model.md",
    "docs/how-to/train-on-your-data.md",
    "docs/how-to/tune.md",
    "docs/tutorials/phantom-to-report.md",
)
RUNNABLE = [page for page in PAGES if any(b.language in EXECUTED and not b.not_run for b in _blocks(page))]


def _with_marks(pages: list[Path]) -> list[object]:
    """The pages as parameters; those that take longer than a minute run with the slow tests."""
    return [pytest.param(page, marks=pytest.mark.slow if _name(page) in SLOW else ()) for page in pages]


def _shortened(text: str) -> str:
    for pattern, replacement in SHORTER.items():
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


@pytest.fixture(scope="session")
def cohorts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small phantom cohorts in the places that the pages name; copied for each page."""
    root = tmp_path_factory.mktemp("cohorts")
    brats, hippocampus = root / "path/to/BraTS2021", root / "path/to/Task04_Hippocampus"
    write_phantom_cohort(brats, kind="brain_tumour", studies=4, seed=0, scale=0.3)
    write_phantom_cohort(hippocampus, kind="hippocampus", studies=4, seed=0, scale=0.6)
    shutil.copytree(brats, root / "runs/phantoms/brain_tumour-0")
    write_label_maps(root / "path/to", references=hippocampus / "labelsTr")
    write_scans(root / "path/to", older=brats / "Phantom_000")
    return root


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, small_bundles: Path) -> dict[str, str]:
    """One tracking database for all pages: MLflow takes seconds to make one."""
    room = tmp_path_factory.mktemp("room")
    return os.environ | {
        "MEDSEG_BUNDLES": str(small_bundles),
        "MLFLOW_TRACKING_URI": f"sqlite:///{room}/mlflow.db",
        "XDG_CACHE_HOME": str(room / "cache"),
        "PYTHONPATH": str(ROOT),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
    }


@pytest.mark.parametrize("page", _with_marks(RUNNABLE), ids=_name)
def test_every_block_of_a_page_runs_in_order(
    page: Path, cohorts: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    shutil.copytree(cohorts, tmp_path, dirs_exist_ok=True)
    for block in _blocks(page):
        if block.language not in EXECUTED or block.not_run:
            continue
        interpreter = ["bash", "-euo", "pipefail", "-c"] if block.language == "bash" else [sys.executable, "-c"]
        done = subprocess.run(
            [*interpreter, _shortened(block.text)],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=BLOCK_LIMIT_S,
        )
        assert done.returncode == 0, f"{block.page}\n{block.text}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def test_every_block_is_run_or_shown_as_output() -> None:
    odd = [(block.page, block.language, block.text[:60]) for block in BLOCKS if block.language not in EXECUTED + SHOWN]
    assert not odd, f"name one of {EXECUTED + SHOWN} behind the fence"


def test_no_fence_stands_where_the_blocks_are_not_seen() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert len(re.findall("```", text)) == 2 * len(_blocks(page)), _name(page)


def test_every_row_of_not_run_is_one_block() -> None:
    used = [block.not_run for block in BLOCKS if block.language in EXECUTED and block.not_run]
    assert sorted(used) == sorted(NOT_RUN)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_and_pictures_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    missing = [one for one in targets if "://" not in one and not (page.parent / one).exists()]
    assert not missing


def test_every_page_is_listed_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in (ROOT / "docs").rglob("*.md")]
    assert [page for page in pages if page != "index.md" and f"({page})" not in index] == []


def _section(page: str, title: str) -> str:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.split(r"^## ", text.split(f"\n## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def _first_cells(text: str) -> list[str]:
    """Words in code marks in the first column of the tables of a text."""
    rows = re.findall(r"^\| (.*?) \|", text, re.MULTILINE)
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row)]


@pytest.mark.parametrize(
    ("verb", "parser"),
    [
        (verb.__name__.removeprefix("medseg."), verb.parser)
        for verb in (plan, train, tune, infer, evaluate, package, verify, inspect, keygen, check, deidentify)
    ],
)
def test_the_reference_lists_the_options_of_a_verb(verb: str, parser: Callable[[], Parser]) -> None:
    listed = [cell.split()[0] for cell in _first_cells(_section("docs/reference/cli.md", f"medseg {verb}"))]
    options = [text for action in parser()._actions for text in action.option_strings if text.startswith("--")]
    assert sorted(listed) == sorted(options)


def test_the_reference_has_a_section_for_every_verb() -> None:
    titles = re.findall(
        r"^## medseg (\w+)$", (ROOT / "docs/reference/cli.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert titles == list(cli.VERBS)


def test_the_reference_lists_the_keys_of_a_recipe() -> None:
    assert _first_cells(_section("docs/reference/bundle.md", "train.yaml: the recipe")) == list(leaves())


def test_the_reference_lists_the_files_of_a_run() -> None:
    page = (ROOT / "docs/reference/run-folder.md").read_text(encoding="utf-8").split("\n## ")[0]
    run = RunFolder(Path("run"))
    paths = [value for name in dir(RunFolder) if isinstance(value := getattr(run, name), Path)]
    files = {path.name for path in paths} - {"run"}
    assert [field.name for field in fields(RunFolder)] == ["root"]
    assert {cell.rstrip("/") for cell in _first_cells(page)} == files


def test_the_how_to_has_a_row_for_every_layout() -> None:
    rows = re.findall(
        r"^\| ", _section("docs/how-to/train-on-your-data.md", "Layouts that are recognised"), re.MULTILINE
    )
    assert len(rows) == len(DATASETS) + 2  # two lines of header


def test_every_dependency_has_a_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [text for texts in project["optional-dependencies"].values() for text in texts]
    wanted = [*project["dependencies"], *extras]
    names = {re.split(r"[><=\[; ]", text)[0] for text in wanted} - {"medseg"}
    rows = re.findall(r"^\| ([\w.-]+) \|", _section("CONTRIBUTING.md", "Dependencies"), re.MULTILINE)
    assert set(rows) - {"Package", "Optional", "---"} == names


def _tree() -> set[str]:
    """Paths of the tree in README.md."""
    paths, folder = set(), ""
    for line in next(block.text for block in _blocks(ROOT / "README.md") if block.language == "text").splitlines():
        name = line.split()[0].rstrip("/")
        if not line.startswith(" "):
            folder = name
        paths.add(f"{folder}/{name}" if line.startswith(" ") else name)
    return paths


def _checkout() -> set[str]:
    """Files and folders of the checkout, and those within its main folders, as git knows them."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"no git checkout: {done.stderr.strip()}")
    files = [Path(line).parts for line in done.stdout.splitlines() if (ROOT / line).exists()]
    inner = {"bundles", "docs", "medseg", "pipelines"}
    return {parts[0] for parts in files} | {"/".join(parts[:2]) for parts in files if parts[0] in inner}


def test_the_tree_in_the_readme_is_the_checkout() -> None:
    assert sorted(_tree()) == sorted(_checkout())


def test_the_reference_lists_the_keys_of_an_evaluation() -> None:
    section = _section("docs/reference/run-folder.md", "What an evaluation leaves")
    facts = EvaluationFacts("any", evaluation({"a": 0, "b": 1}))
    of_folders = {"prediction", "reference", "bundle", "labels_file", "made"}
    of_folders |= {"trained_on", "notes", "prediction_digest", "reference_digest", "bundle_digest"}
    of_folders |= {"member_1", "mirrored_axes"}
    tables = section.split("Keys of")
    assert set(_first_cells(tables[1])) == set(summary_of(facts)) | of_folders
    assert {SUMMARY, PER_STUDY, PER_LESION, REPORT} <= set(_first_cells(tables[0]))
