import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from medseg.bundle.read import Channel, read_bundle
from medseg.bundle.split_file import SPLIT
from medseg.core.errors import BundleError
from medseg.core.labels import Label
from medseg.core.series_rules import Condition, SeriesRules

Write = Callable[..., Path]


def test_a_bundle_says_channels_labels_and_how_they_are_scored(write_bundle: Write) -> None:
    bundle = read_bundle(write_bundle())
    assert (bundle.name, bundle.version) == ("tiny", "0.1.0")
    assert bundle.channels == (Channel("t1", ("T1 weighted",)),)
    assert bundle.labels.labels == (Label("core", 1, ("middle",)), Label("rim", 7))
    assert bundle.labels.regions == {"whole": ("core", "rim")}
    assert bundle.scoring.tolerance_mm == {"whole": 1.0}
    assert bundle.scoring.thresholds == {"dice": {"whole": 0.8}}


def test_train_yaml_comes_as_dotted_keys(write_bundle: Write) -> None:
    assert read_bundle(write_bundle()).train_values == {"seed": 0, "split.folds": 5, "split.validation_share": 0.2}


def test_a_bundle_without_train_yaml_can_still_be_read(write_bundle: Write) -> None:
    assert read_bundle(write_bundle(train=None)).train_values is None


def test_without_evaluate_yaml_each_class_is_a_label_of_its_index(write_bundle: Write) -> None:
    bundle = read_bundle(write_bundle(evaluate=None))
    assert bundle.labels.labels == (Label("core", 1), Label("rim", 2))


def test_a_run_s_bundle_keeps_the_name_of_the_model(write_bundle: Write) -> None:
    assert read_bundle(write_bundle("bundle")).name == "tiny"


def test_a_title_in_place_of_a_name_leaves_the_name_of_the_folder(
    write_bundle: Write, metadata: dict[str, Any]
) -> None:
    metadata["name"] = "Segmentation of something"
    assert read_bundle(write_bundle("tiny", metadata=metadata)).name == "tiny"


def test_a_channel_answers_to_its_aliases_without_case_and_punctuation() -> None:
    channel = Channel("t1c", ("t1ce", "T1 contrast"))
    assert [name for name in ("T1C", "t1-ce", "t1contrast", "t1", "t2") if channel.is_called(name)] == [
        "T1C",
        "t1-ce",
        "t1contrast",
    ]


def test_the_digest_changes_with_a_file_and_with_the_weights_alone(write_bundle: Write) -> None:
    bundle = read_bundle(write_bundle())
    before = bundle.digest
    (bundle.root / "README.md").write_text("a card", encoding="utf-8")
    assert bundle.digest == before
    bundle.weights.parent.mkdir()
    bundle.weights.write_bytes(b"weights")
    with_weights = bundle.digest
    (bundle.root / SPLIT).write_text('{"train": ["a"], "validation": []}', encoding="utf-8")
    assert bundle.digest == with_weights
    (bundle.root / "configs" / "train.yaml").write_text("seed: 1\n", encoding="utf-8")
    assert len({before, with_weights, bundle.digest}) == 3


def test_the_digest_of_the_configuration_knows_no_weights(write_bundle: Write) -> None:
    bundle = read_bundle(write_bundle())
    before = bundle.configuration_digest
    assert before == bundle.digest
    bundle.weights.parent.mkdir()
    bundle.weights.write_bytes(b"weights")
    assert bundle.configuration_digest == before
    (bundle.root / SPLIT).write_text('{"train": ["a"], "validation": []}', encoding="utf-8")
    assert bundle.configuration_digest == before
    (bundle.root / "configs" / "train.yaml").write_text("seed: 1\n", encoding="utf-8")
    assert bundle.configuration_digest != before


def test_faults_of_all_files_are_listed_at_once(
    write_bundle: Write, inference: dict[str, Any], metadata: dict[str, Any], evaluate: dict[str, Any]
) -> None:
    inference["inferer"]["overlap"] = "$1/2"
    del metadata["version"]
    evaluate["regions"]["whole"] = ["core", "rind"]
    with pytest.raises(BundleError) as caught:
        read_bundle(write_bundle(inference=inference, metadata=metadata, evaluate=evaluate, train="a: 1\na: 2\n"))
    message = str(caught.value)
    assert "Bundle 'tiny'" in message
    assert "4 faults" in message
    assert "inferer.overlap: '$1/2'" in message
    assert "version: missing" in message
    assert "regions.whole: no label rind" in message
    assert "key 'a' is given twice" in message


@pytest.mark.parametrize("file", ["metadata", "inference"])
def test_a_missing_file_is_named(write_bundle: Write, file: str) -> None:
    with pytest.raises(BundleError, match=rf"configs/{file}\.\w+: missing"):
        read_bundle(write_bundle(**{file: None}))


@pytest.mark.parametrize(("text", "reason"), [("{,}", "line 1"), ("[1]", "holds list"), ("\udcff", "not|cannot")])
def test_unreadable_metadata_is_named_with_the_reason(write_bundle: Write, text: str, reason: str) -> None:
    root = write_bundle()
    (root / "configs" / "metadata.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BundleError, match=reason):
        read_bundle(root)


def test_labels_in_another_order_than_the_classes_are_refused(write_bundle: Write, evaluate: dict[str, Any]) -> None:
    evaluate["labels"] = dict(reversed(evaluate["labels"].items()))
    with pytest.raises(BundleError, match=r"labels are rim, core; .* background, core, rim"):
        read_bundle(write_bundle(evaluate=evaluate))


def test_channels_with_a_gap_in_their_numbers_are_refused(write_bundle: Write, metadata: dict[str, Any]) -> None:
    metadata["network_data_format"]["inputs"]["image"]["channel_def"] = {"1": "t1"}
    with pytest.raises(BundleError, match=r"inputs\.image\.channel_def"):
        read_bundle(write_bundle(metadata=metadata))


def test_a_value_that_holds_itself_is_refused(write_bundle: Write) -> None:
    root = write_bundle()
    with (root / "configs" / "inference.yaml").open("a", encoding="utf-8") as stream:
        stream.write("loop: &loop [*loop]\n")
    text = (root / "configs" / "inference.yaml").read_text(encoding="utf-8")
    text = text.replace("  overlap: 0.5", "  overlap: '@loop'")
    (root / "configs" / "inference.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(BundleError, match="holds itself"):
        read_bundle(root)


def test_reading_a_bundle_imports_neither_torch_nor_monai_nor_pydicom(write_bundle: Write) -> None:
    code = (
        "import sys; from pathlib import Path; from medseg.bundle.read import read_bundle;"
        f"read_bundle(Path({str(write_bundle())!r}));"
        "print([m for m in ('torch', 'monai', 'pydicom') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_series_yaml_becomes_rules_and_without_it_there_are_none(write_bundle: Write) -> None:
    root = write_bundle()
    assert read_bundle(root).series is None
    before = read_bundle(root).digest
    text = "reference: t1\ntie_breaks: []\nchannels:\n  t1:\n    - EchoTime: {range: [null, 30]}\n"
    (root / "configs" / "series.yaml").write_text(text, encoding="utf-8")
    bundle = read_bundle(root)
    assert bundle.series == SeriesRules("t1", {"t1": ((Condition("EchoTime", "range", (None, 30)),),)})
    assert bundle.digest != before


def test_faults_of_series_yaml_and_label_codes_are_listed_with_the_others(
    write_bundle: Write, metadata: dict[str, Any]
) -> None:
    metadata["label_codes"] = {"core": {}}
    root = write_bundle(metadata=metadata)
    (root / "configs" / "series.yaml").write_text("reference: t2\ntie_breaks: []\nchannels: {}\n", encoding="utf-8")
    with pytest.raises(BundleError) as caught:
        read_bundle(root)
    message = str(caught.value)
    assert "configs/series.yaml: reference: 't2' is no channel" in message
    assert "configs/series.yaml: channels.t1: missing" in message
    assert "configs/metadata.json: label_codes.core.category: missing" in message
