from pathlib import Path
from types import SimpleNamespace

import pytest

from medseg.bundle.minisign import SecretKey
from medseg.bundle.trust import SITE_VARIABLE, Trust
from medseg.core.command import Parser
from medseg.core.errors import BundleError, ConfigError
from medseg.steps import registry
from medseg.steps.given_bundle import add_trust_options, given_bundle, given_folder, local_place, trust_of
from tests.packages import NAME, Packaged, packaged

KEY, OTHER = SecretKey(bytes(8), bytes(32)), SecretKey(bytes([1] * 8), bytes([1] * 32))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Packaged:
    """A signed package, as a zip and as a folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return packaged(tmp_path, key=KEY)


def _options(*words: str, foreign: bool = False) -> Trust:
    options = Parser(prog="x")
    add_trust_options(options, foreign=foreign)
    return trust_of(options.parse(words))


def test_nothing_said_trusts_nothing_and_demands_nothing() -> None:
    assert _options() == _options(foreign=True) == Trust()


def test_what_the_options_say_is_kept() -> None:
    assert _options("--key", "clinic.pub") == Trust(key="clinic.pub")
    assert _options("--trust", foreign=True) == Trust(evaluate=True)
    assert trust_of(SimpleNamespace(key=None, tracking_uri="http://a")) == Trust(registry="http://a")


def test_a_name_a_folder_and_a_zip_are_the_same_bundle(package: Packaged) -> None:
    found = [given_bundle(text) for text in (NAME, str(package.bundle.root), str(package.zip))]
    assert {one.name for one in found} == {NAME}
    assert len({one.configuration_digest for one in found}) == 1


def test_a_key_is_demanded_of_whatever_way_leads_to_the_bundle(package: Packaged) -> None:
    for text in (NAME, str(package.bundle.root), str(package.zip)):
        with pytest.raises(BundleError, match="--key"):
            given_folder(text, Trust(key=OTHER.public.text))
    assert given_bundle(str(package.zip), Trust(key=KEY.public.text)).name == NAME


def test_the_site_is_asked_where_nobody_gives_a_key(
    package: Packaged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site.yaml"
    monkeypatch.setenv(SITE_VARIABLE, str(site))
    site.write_text(f"keys: [{KEY.public.text}]")
    assert given_bundle(str(package.zip)).name == NAME
    with pytest.raises(BundleError, match=r"is not signed, and .*site\.yaml demands it"):
        given_bundle(NAME)
    site.write_text("key: none")
    with pytest.raises(ConfigError, match="No bundle is used until it is right"):
        given_bundle(str(package.zip))


def test_an_altered_package_is_refused_before_its_configuration_is_read(package: Packaged) -> None:
    (package.bundle.root / "configs" / "inference.yaml").write_text("x: !!python/object/apply:os.system [true]")
    with pytest.raises(BundleError, match=r"configs/inference\.yaml was altered"):
        given_bundle(str(package.bundle.root))


def test_a_registered_model_is_fetched_and_its_seal_checked_all_the_same(
    package: Packaged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def fetch(text: str, *, uri: str | None, cache: Path) -> Path:
        asked.append((text, uri, cache))
        return package.zip

    monkeypatch.setattr(registry, "fetch", fetch)
    trust = Trust(key=KEY.public.text, registry="http://127.0.0.1:5000")
    assert given_bundle("models:/hippocampus_unet3d/3", trust).name == NAME
    assert asked == [
        ("models:/hippocampus_unet3d/3", "http://127.0.0.1:5000", tmp_path / "cache" / "medseg" / "models")
    ]
    with pytest.raises(BundleError, match="signed by key"):
        given_bundle("models:/hippocampus_unet3d/3", Trust(key=OTHER.public.text))


def test_what_is_no_registered_model_is_left_as_it_was_written() -> None:
    assert local_place("model:/x") == "model:/x"
