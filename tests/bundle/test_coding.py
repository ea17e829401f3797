from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medseg.bundle.coding import coded_labels, coding_faults
from medseg.bundle.read import read_bundle
from medseg.check import check
from medseg.core.errors import BundleError

ENTRY = {"category": ["49755003", "SCT", "Morphologically Abnormal Structure"], "type": ["52988006", "SCT", "Lesion"]}

Write = Callable[..., Path]


def test_a_fully_coded_bundle_names_labels_and_regions(write_bundle: Write, metadata: dict[str, Any]) -> None:
    metadata["label_codes"] = dict.fromkeys(("whole", "rim", "core"), ENTRY)
    bundle = read_bundle(write_bundle(metadata=metadata))
    assert [(one.name, one.values) for one in coded_labels(bundle)] == [
        ("core", (1,)),
        ("rim", (7,)),
        ("whole", (1, 7)),
    ]
    assert coding_faults(bundle) == []


def test_what_has_no_code_is_listed_with_what_to_add(write_bundle: Write, metadata: dict[str, Any]) -> None:
    metadata["label_codes"] = {"rim": ENTRY}
    bundle = read_bundle(write_bundle(metadata=metadata))
    with pytest.raises(
        BundleError, match=r"2 faults\n.*label_codes\.core: missing; add .category.*\n.*\.whole: missing"
    ):
        coded_labels(bundle)


def test_check_asks_for_codes(write_bundle: Write) -> None:
    said: list[str] = []
    check(str(write_bundle()), say=said.append)
    assert "no label_codes" in said[-1]
