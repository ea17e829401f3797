import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medseg.bundle.copy import copy_bundle
from medseg.bundle.read import read_bundle
from medseg.bundle.split_file import SEEN, SPLIT, split_faults
from medseg.core.errors import BundleError

Write = Callable[..., Path]
SPLIT_OF_FOLD = {"train": ["a", "b"], "validation": [], "holdout": ["c"], "fold": 0}


def with_split(root: Path, value: Any) -> Path:
    (root / SPLIT).write_text(json.dumps(value))
    return root


def test_a_bundle_says_what_its_weights_saw(write_bundle: Write) -> None:
    assert read_bundle(with_split(write_bundle(), SPLIT_OF_FOLD)).split == SPLIT_OF_FOLD


def test_a_bundle_without_the_file_does_not_say(write_bundle: Write) -> None:
    assert read_bundle(write_bundle()).split is None


@pytest.mark.parametrize("part", SEEN)
@pytest.mark.parametrize("value", [None, "a", ["a", 1], {"a": "b"}])
def test_what_is_no_list_of_studies_is_named(part: str, value: object) -> None:
    (fault,) = split_faults(SPLIT_OF_FOLD | {part: value})
    assert fault.startswith(f"{part}: {value!r}")


@pytest.mark.parametrize("value", [[], {}, {"train": ["a"]}])
def test_a_damaged_file_is_refused_and_never_taken_for_nothing_seen(write_bundle: Write, value: Any) -> None:
    with pytest.raises(BundleError, match=r"split\.json"):
        read_bundle(with_split(write_bundle(), value))


def test_other_weights_have_not_seen_these_studies(write_bundle: Write, tmp_path: Path) -> None:
    bundle = read_bundle(with_split(write_bundle(), SPLIT_OF_FOLD))
    assert read_bundle(copy_bundle(bundle, tmp_path / "same")).split == SPLIT_OF_FOLD
    assert read_bundle(copy_bundle(bundle, tmp_path / "other", with_weights=False)).split is None
    copy_bundle(bundle, bundle.root, state_dict={})
    assert read_bundle(bundle.root).split is None
