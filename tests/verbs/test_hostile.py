"""Each hostile bundle is refused by every verb that would use it, and nothing of it is run, unpacked or left behind."""

from __future__ import annotations

import shutil
from pathlib import Path

import hostile
import hostile_kit
import numpy as np
import pytest
import tiny
from hostile_kit import Hostile, Kit

from medseg.bundle.golden import EXPECTED, Golden, channel_file, write_golden
from medseg.bundle.pack import seal_bundle
from medseg.bundle.trust import SITE_VARIABLE
from medseg.core.volume import Volume
from medseg.io.nifti import write_labels, write_volume


@pytest.fixture(scope="session")
def package(tmp_path_factory: pytest.TempPathFactory, model: Path) -> Path:
    """A package of the owner's, sealed and signed; do not write into it."""
    bundle = Path(shutil.copytree(model, tmp_path_factory.mktemp("package") / "hippocampus_unet3d"))
    labels = np.zeros((16, 16, 16), np.uint8)
    labels[4:8] = 1
    write_volume(bundle / channel_file(0), Volume(np.ones((1, 16, 16, 16), np.int16), np.eye(4)))
    write_labels(bundle / EXPECTED, labels, np.eye(4))
    files = {"t1": channel_file(0).as_posix()}
    write_golden(bundle, Golden("drawn", "Apache-2.0", files, EXPECTED.as_posix(), {"anterior": 1024}))
    seal_bundle(bundle, hostile_kit.FACTS, hostile_kit.OWNER)
    return bundle


@pytest.fixture
def kit(tmp_path: Path, package: Path, monkeypatch: pytest.MonkeyPatch) -> Kit:
    """Where a row is made, with a cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "made").mkdir()
    return Kit(tmp_path / "made", package)


def _call(verb: str, bundle: Path, kit: Kit, scan: Path, *more: str) -> tiny.Answer:
    infer = ("--input", scan, "--output", kit.root.parent / "out") if verb == "infer" else ()
    return tiny.call(verb, "--bundle", bundle, *infer, *more)


def _demand_at_site(kit: Kit, monkeypatch: pytest.MonkeyPatch) -> None:
    key = hostile_kit.write_public_key(kit.root.parent)
    site = kit.root.parent / "site.yaml"
    site.write_text(f"keys: [{key.name}]\n")
    monkeypatch.setenv(SITE_VARIABLE, str(site))


def _is_clear(answer: tiny.Answer) -> bool:
    told = [line for line in answer.err.splitlines() if line.startswith("medseg: ") and "warning" not in line]
    return len(told) == (answer.code != 0) and not any(
        word in answer.err for word in ("Traceback", "Unexpected", "\x1b")
    )


def _check_nothing_is_left(kit: Kit) -> None:
    left = tiny.files_below(kit.root.parent / "cache")
    assert not kit.canary.exists(), "it was run"
    assert not (kit.root.parent / "out").exists()
    assert [name for name in left if ".tmp-" in name] == []


def test_there_are_many_rows_and_each_has_a_name_of_its_own() -> None:
    names = [row.name for row in hostile.ROWS]
    assert len(names) >= 30
    assert len(set(names)) == len(names)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("row", [row for row in hostile.ROWS if row.by], ids=lambda row: row.name.replace(" ", "_"))
def test_a_hostile_bundle_is_refused_and_nothing_of_it_is_run(
    row: Hostile, kit: Kit, tiny_cohort: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = row.make(kit)
    if row.site:
        _demand_at_site(kit, monkeypatch)
    for verb in row.by:
        answer = _call(verb, bundle, kit, tiny_cohort / "imagesTr" / "phantom_000.nii.gz", *row.more.get(verb, ()))
        assert answer.code == 1, (verb, answer)
        assert [word for word in row.says if word not in answer.err] == [], (verb, answer.err[:3000])
        assert _is_clear(answer), (verb, answer.err[:3000])
        _check_nothing_is_left(kit)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("row", hostile.ROWS, ids=lambda row: row.name.replace(" ", "_"))
def test_looking_at_a_hostile_bundle_does_no_harm(row: Hostile, kit: Kit) -> None:
    bundle = row.make(kit)
    for verb in ("inspect", *(verb for verb in ("check", "verify") if verb not in row.by)):
        answer = _call(verb, bundle, kit, bundle)
        assert answer.code in (0, 1)
        assert _is_clear(answer), (verb, answer.err[:3000])
        assert "\x1b" not in answer.out
        _check_nothing_is_left(kit)


@pytest.mark.parametrize("name", hostile_kit.FILES)
@pytest.mark.parametrize("verb", ["check", "infer", "verify"])
def test_one_flipped_bit_of_any_file_is_refused_and_the_file_named(
    verb: str, name: str, kit: Kit, tiny_cohort: Path
) -> None:
    bundle = kit.copy()
    data = bytearray((bundle / name).read_bytes())
    data[len(data) // 2] ^= 1
    (bundle / name).write_bytes(data)
    scan = tiny_cohort / "imagesTr" / "phantom_000.nii.gz"
    for words in (("--key", hostile_kit.OWNER.public.text), ()):
        answer = _call(verb, bundle, kit, scan, *words)
        assert answer.code == 1
        assert name.removesuffix(".minisig") in answer.err
        assert _is_clear(answer)
        _check_nothing_is_left(kit)


def test_the_files_are_those_of_the_package(package: Path) -> None:
    assert tiny.files_below(package) == set(hostile_kit.FILES)


@pytest.mark.parametrize("verb", ["check", "verify", "inspect"])
def test_the_package_itself_is_taken(verb: str, kit: Kit) -> None:
    answer = _call(verb, kit.package, kit, kit.package, "--key", hostile_kit.OWNER.public.text)
    assert answer.code == 0, answer.err


def test_what_an_attacker_sealed_himself_is_taken_where_no_signature_is_demanded(kit: Kit) -> None:
    bundle = hostile_kit.resealed(kit.copy())
    answer = tiny.call("verify", "--bundle", bundle)
    assert answer.code == 0
    assert "whoever can change a file can change the manifest" in answer.out
