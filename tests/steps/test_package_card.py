import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiny

from medseg.bundle.read import Bundle, read_bundle
from medseg.core.files import digest_of_file
from medseg.steps.package_card import LICENCE, write_card
from medseg.steps.package_evidence import Evidence
from medseg.steps.package_exports import ExportReport
from medseg.steps.package_int8 import DiceAgainstFloat, Int8Report
from medseg.steps.package_networks import Networks
from medseg.steps.package_request import PackageRequest
from medseg.steps.package_source import Source

NOTHING = Evidence(None, None)
ALONE = Networks({}, {}, None)
ONNX = ExportReport("models/model.onnx", "torch.onnx.export", 2**20, ((1, 1, 16, 16, 16),), 6e-6, 4.8, 3.0)
INT8 = Int8Report(
    file="models/model_int8.onnx",
    bytes=25,
    float_bytes=100,
    windows=48,
    studies=12,
    least_agreement=0.995,
    window=(1, 1, 16, 16, 16),
    window_s={"fp32": 0.4, "bf16": 0.2, "int8": 0.1},
    agreement=DiceAgainstFloat(7, {"anterior": 0.991}, {"anterior": 0.9825}),
    agreement_on="other studies",
)
REQUEST = PackageRequest(run="run", output=Path("x.zip"))


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.add_random_weights(tiny.write_tiny_bundle(tmp_path_factory.mktemp("b") / "hippocampus_unet3d"))


@pytest.fixture
def bundle(packed: Path, tmp_path: Path) -> Bundle:
    """A package so far, for a test to write into."""
    return read_bundle(Path(shutil.copytree(packed, tmp_path / "hippocampus_unet3d")))


def source_of(bundle: Bundle, run: Path | None = None, **record: Any) -> Source:
    return Source(bundle, run, record, {"train": ["a"], "validation": []})


def card(bundle: Bundle, *, evidence: Evidence = NOTHING, networks: Networks = ALONE, **request: Any) -> str:
    write_card(bundle, source_of(bundle), evidence, networks, replace(REQUEST, **request), made="2026-03-04T05:06:07Z")
    return (bundle.root / "docs" / "README.md").read_text(encoding="utf-8")


def terms(bundle: Bundle, source: Source, **request: Any) -> str:
    write_card(bundle, source, NOTHING, ALONE, replace(REQUEST, **request), made="2026-03-04T05:06:07Z")
    return (bundle.root / LICENCE).read_text(encoding="utf-8")


# The card


def test_the_card_says_which_weights_it_is_of_and_how_they_are_run(bundle: Bundle) -> None:
    text = card(bundle)
    assert f"SHA-256 `{digest_of_file(bundle.weights)}`" in text
    assert "| Licence | configuration: `LICENSE`; weights: `docs/data_license.txt` |" in text
    assert "packaged on 2026-03-04" in text


def test_where_the_page_says_no_window_the_configuration_does(bundle: Bundle) -> None:
    (bundle.root / "docs" / "README.md").unlink()
    assert "| Window | 16 x 24 x 16 voxels, overlap 25 % |" in card(bundle)


def test_a_bundle_without_windows_says_nothing_of_them(bundle: Bundle) -> None:
    (bundle.root / "docs" / "README.md").unlink()
    inference = {**bundle.inference, "inferer": {"_target_": "monai.inferers.SimpleInferer"}}
    assert "| Window |" not in card(replace(bundle, inference=inference))


def test_the_card_names_every_file_and_the_signature_only_where_there_will_be_one(bundle: Bundle) -> None:
    told = card(bundle)
    for name in ("LICENSE", "manifest.json", "configs/metadata.json", "docs/data_license.txt", "models/model.pt"):
        assert f"| `{name}` |" in told
    assert "| `manifest.json.minisig` |" not in told
    signed = card(bundle, sign=Path("lab.key"))
    assert "| `manifest.json.minisig` |" in signed
    assert "--key KEY.pub" in signed


def test_what_it_may_be_used_for_is_the_word_of_whoever_packages_it(bundle: Bundle) -> None:
    assert "For research only" in card(bundle)
    told = card(bundle, intended_use="Planning in the trial NCT00000000.")
    assert "Planning in the trial NCT00000000." in told


def test_pictures_go_where_the_card_looks_for_them(bundle: Bundle) -> None:
    card(bundle, evidence=replace(NOTHING, pictures={"docs/gallery/1-worst.png": b"png"}))
    assert (bundle.root / "docs" / "gallery" / "1-worst.png").read_bytes() == b"png"
    assert not list(bundle.root.rglob(".tmp-*"))


def test_the_card_tells_what_each_form_is_worth(bundle: Bundle) -> None:
    golden = {"onnx": {"anterior": 0.9999, "posterior": 1.0}, "int8": {"anterior": 0.98, "posterior": 0.9512}}
    networks = Networks({"onnx": ONNX}, golden, INT8)
    text = card(bundle, networks=networks)
    (row,) = [line for line in text.splitlines() if "`models/model.onnx`" in line and "0.9999" in line]
    assert "1.0000" not in row  # of the label that agrees worse
    eight = text.partition("`models/model_int8.onnx` computes in 8-bit numbers, calibrated on 12 studies.")[2]
    assert "It takes 0.25 of the size in fp32" in eight
    assert "0.25 of the time in fp32 and 0.50 of the time in bf16" in eight
    assert "| anterior | 0.9910 | 0.9825 |" in eight
    assert "the lowest of a label is 0.9512." in eight


def test_the_card_of_a_package_is_written_anew_when_it_is_packaged_again(bundle: Bundle) -> None:
    first = card(bundle)
    assert card(bundle) == first


def test_a_card_that_is_no_text_is_replaced(bundle: Bundle) -> None:
    (bundle.root / "docs" / "README.md").write_bytes(b"\xff\xfe")
    assert card(bundle).startswith(f"# hippocampus_unet3d {bundle.version}")


def test_a_bundle_without_a_card_gets_one(bundle: Bundle) -> None:
    shutil.rmtree(bundle.root / "docs")
    assert card(bundle).startswith("# hippocampus_unet3d")


# The terms of the data


def test_terms_that_are_given_are_taken_word_for_word(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "terms").write_text("CC BY 4.0, © Universität\n", encoding="utf-8")
    assert terms(bundle, source_of(bundle), data_licence=tmp_path / "terms") == "CC BY 4.0, © Universität\n"


def test_a_bundle_of_no_run_keeps_its_terms_for_they_are_of_these_weights(bundle: Bundle) -> None:
    before = (bundle.root / LICENCE).read_text(encoding="utf-8")
    assert terms(bundle, source_of(bundle)) == before


def test_weights_of_a_run_do_not_get_the_terms_of_other_data(bundle: Bundle, tmp_path: Path) -> None:
    before = (bundle.root / LICENCE).read_text(encoding="utf-8")
    text = terms(bundle, source_of(bundle, run=tmp_path, data_digest="ab" * 32))
    assert text.startswith(f"These weights were trained on data with the digest {'ab' * 32}.\n")
    assert "stated no licence of that data: ask them" in text
    assert f"The bundle that the training began with says of the data it is made for:\n\n{before}" in text


def test_where_nothing_is_known_it_says_so(bundle: Bundle) -> None:
    (bundle.root / LICENCE).unlink()
    text = terms(bundle, source_of(bundle))
    assert text.startswith("These weights were trained on data with the digest unknown.")
    assert "began with" not in text
