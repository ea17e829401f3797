import json
from typing import Any

import pytest

from medseg.bundle.archives import SCRIPT, STATE, Archive
from medseg.bundle.foreign_config import ForeignConfig, config_of
from medseg.bundle.inspection_verdict import Verdict, verdict_on
from medseg.bundle.pickles import Pickle

GOOD = {"models/model.pt": Archive(STATE, (Pickle("archive/data.pkl", ("collections.OrderedDict",)),))}


def verdict(inference: Any, archives: dict[str, Archive] | None = None, broken: bool = False) -> Verdict:
    config = config_of(json.dumps(inference).encode(), "configs/inference.json")
    metadata = ForeignConfig("configs/metadata.json", {})
    return verdict_on(metadata, config, GOOD if archives is None else archives, broken=broken)


def test_a_bundle_of_plain_values_is_built_and_nothing_is_evaluated(inference: dict[str, Any]) -> None:
    found = verdict(inference)
    assert found == Verdict("configs/inference.json", (), (), (), has_weights=True)
    assert found.builds


def test_what_trust_would_evaluate_is_what_the_parts_need(inference: dict[str, Any]) -> None:
    inference |= {"imports": ["$import os"], "size": "$[16] * 3", "run": ["$os.remove('x')"]}
    inference["inferer"]["roi_size"] = "@size"
    found = verdict(inference)
    assert not found.builds
    assert found.unsafe == ()
    assert sorted(one.text for one in found.evaluated) == ["$[16] * 3", "$import os"]


def test_a_class_outside_the_list_counts_as_evaluated(inference: dict[str, Any]) -> None:
    inference["network_def"] = {"_target_": "os.system", "command": "x"}
    found = verdict(inference)
    assert any("'os.system' may not be built here" in fault for fault in found.unfit)
    assert [(one.path, one.text) for one in found.evaluated] == [("network_def._target_", "os.system")]


def test_what_cannot_be_told_whole_is_refused_with_trust_too(inference: dict[str, Any]) -> None:
    inference["network_def"] = "%other.yaml::net"
    assert "copies from another file" in verdict(inference).unsafe[0]


@pytest.mark.parametrize("many", [{f"k{n}": n for n in range(700)}, {"k": "$" + "1+" * 60_000 + "1"}])
def test_a_configuration_too_large_to_tell_is_refused(inference: dict[str, Any], many: dict[str, Any]) -> None:
    inference["network_def"] = {"_target_": "UNet"}
    found = verdict(inference | many)
    assert found.evaluated == ()
    assert "too much to tell what would be evaluated" in found.unsafe[0]


@pytest.mark.parametrize(
    ("archive", "fault"),
    [
        (Archive(STATE, (Pickle("", ("os.system",), ("os.system",)),)), "its pickle would import os.system"),
        (Archive(STATE, (Pickle("a", fault="is cut"),)), "a: is cut"),
        (Archive(SCRIPT), "is a TorchScript program, not a state dict"),
    ],
)
def test_weights_that_are_no_plain_weights_are_refused(inference: dict[str, Any], archive: Archive, fault: str) -> None:
    (found,) = verdict(inference, {"models/model.pt": archive}).unsafe
    assert found.startswith(f"models/model.pt: {fault}")


def test_other_files_with_pickles_do_not_count(inference: dict[str, Any]) -> None:
    others = {"other.pt": Archive(STATE, (Pickle("", ("os.system",), ("os.system",)),))}
    found = verdict(inference, others)
    assert found.builds
    assert not found.has_weights


def test_a_broken_seal_is_refused(inference: dict[str, Any]) -> None:
    assert verdict(inference, broken=True).unsafe == ("it is not as it was packaged, or not signed as demanded",)


@pytest.mark.parametrize("inference", [None, [], 5])
def test_an_inference_configuration_without_keys_is_refused(inference: Any) -> None:
    assert not verdict(inference).builds


def test_a_bundle_without_an_inference_configuration_is_refused() -> None:
    assert "missing" in verdict_on(None, None, {}, broken=False).unsafe[0]


def test_a_configuration_with_a_fault_is_refused() -> None:
    config = config_of(b'{"a": 1, "a": 2}', "configs/inference.json")
    assert "key 'a' is given twice" in verdict_on(None, config, {}, broken=False).unsafe[0]
