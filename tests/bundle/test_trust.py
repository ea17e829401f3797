import os
from pathlib import Path

import pytest

from medseg.bundle import trust
from medseg.bundle.minisign import SecretKey
from medseg.bundle.minisign_keys import public_text
from medseg.bundle.trust import SITE_VARIABLE, Trust, demands_of, site_files
from medseg.core.errors import ConfigError, UsageError

KEYS = [SecretKey(bytes([n] * 8), bytes([n] * 32)).public for n in range(3)]


@pytest.fixture(autouse=True)
def usual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the site's file would be on every machine."""
    path = tmp_path / "etc" / "site.yaml"
    path.parent.mkdir()
    monkeypatch.setattr(trust, "_USUAL", path)
    return path


def _site(path: Path, text: str) -> dict[str, str]:
    path.write_text(text, encoding="utf-8")
    return {SITE_VARIABLE: str(path)}


def test_nothing_is_demanded_where_nobody_says_so() -> None:
    assert demands_of(Trust(), {}) == []
    assert demands_of(Trust(), {SITE_VARIABLE: ""}) == []


def test_a_key_on_the_command_line_is_a_demand() -> None:
    (demand,) = demands_of(Trust(key=KEYS[0].text), {})
    assert (demand.by, demand.keys) == ("--key", (KEYS[0],))


def test_a_site_names_keys_by_their_files_beside_it_or_their_lines(tmp_path: Path) -> None:
    (tmp_path / "radiology.pub").write_text(public_text(KEYS[0]))
    environment = _site(tmp_path / "my.yaml", f"keys: [radiology.pub, {KEYS[1].text}]")
    (demand,) = demands_of(Trust(), environment)
    assert (demand.by, demand.keys) == (str(tmp_path / "my.yaml"), (KEYS[0], KEYS[1]))


def test_no_demand_takes_back_another(tmp_path: Path, usual: Path) -> None:
    usual.write_text(f"keys: [{KEYS[0].text}]")
    environment = _site(tmp_path / "my.yaml", f"keys: [{KEYS[1].text}]")
    found = demands_of(Trust(key=KEYS[2].text), environment)
    assert [demand.keys for demand in found] == [(KEYS[2],), (KEYS[0],), (KEYS[1],)]


def test_a_file_of_the_working_folder_is_never_a_site_s_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever packs a bundle could leave his own key there, under the name or the text of the site's."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for name in ("radiology.pub", KEYS[0].text):
        Path(name).write_text(public_text(KEYS[1]))
    with pytest.raises(ConfigError, match=r"radiology\.pub"):
        demands_of(Trust(), _site(tmp_path / "my.yaml", "keys: [radiology.pub]"))
    (demand,) = demands_of(Trust(), _site(tmp_path / "my.yaml", f"keys: ['{KEYS[0].text}']"))
    assert demand.keys == (KEYS[0],)


@pytest.mark.parametrize(
    "text",
    ["", "keys:", "keys: []", "keys: RWQ", "keys: [1]", "key: [a]", "keys: [a]\nmore: 1", "- keys", "keys: [a", "{}"],
)
def test_a_site_that_says_something_else_stops_everything(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=r"my\.yaml"):
        demands_of(Trust(), _site(tmp_path / "my.yaml", text))


def test_a_site_s_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.yaml"):
        demands_of(Trust(), {SITE_VARIABLE: str(tmp_path / "gone.yaml")})


def test_a_usual_file_that_leads_nowhere_is_no_absent_one(tmp_path: Path, usual: Path) -> None:
    usual.symlink_to(tmp_path / "a share that is not mounted.yaml")
    with pytest.raises(ConfigError, match=r"site\.yaml"):
        demands_of(Trust(), {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look everywhere")
def test_a_folder_that_may_not_be_looked_into_is_no_absent_one(usual: Path) -> None:
    usual.parent.chmod(0)
    try:
        assert site_files({}) == [usual]
    finally:
        usual.parent.chmod(0o700)


def test_the_usual_file_named_again_counts_once(usual: Path) -> None:
    environment = _site(usual, f"keys: [{KEYS[0].text}]")
    assert site_files(environment) == [usual]


def test_a_variable_of_windows_means_nothing_elsewhere(
    tmp_path: Path, usual: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual.write_text(f"keys: [{KEYS[0].text}]")
    assert site_files({"PROGRAMDATA": str(tmp_path)}) == [usual]
    monkeypatch.setattr(trust, "_WINDOWS", True)
    assert site_files({"PROGRAMDATA": str(tmp_path)}) == []
    (tmp_path / "medseg").mkdir()
    (tmp_path / "medseg" / "site.yaml").touch()
    assert site_files({"PROGRAMDATA": str(tmp_path)}) == [tmp_path / "medseg" / "site.yaml"]


def test_a_key_that_is_none_is_a_wrong_use() -> None:
    with pytest.raises(UsageError, match=r"no file 'clinic\.pub'"):
        demands_of(Trust(key="clinic.pub"), {})
