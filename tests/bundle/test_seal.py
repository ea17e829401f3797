from pathlib import Path

import pytest

from medseg.bundle.contents import contents_of
from medseg.bundle.manifest import MANIFEST, SIGNATURE
from medseg.bundle.minisign import SecretKey, sign
from medseg.bundle.pack import seal_bundle
from medseg.bundle.seal import check_seal
from medseg.bundle.trust import Demand
from medseg.core.errors import BundleError

OWNER, OTHER = SecretKey(bytes(8), bytes(32)), SecretKey(bytes([1] * 8), bytes([1] * 32))
_SAYS = {
    MANIFEST: r"manifest\.json was altered|manifest\.json: |manifest\.json (is|has) no",
    SIGNATURE: r"manifest\.json\.minisig: ",
}
_FACTS = {"name": "brats", "version": "1.0", "made": "today"}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """Two files, not sealed."""
    (tmp_path / "LICENSE").write_text("as you like")
    (tmp_path / "model.pt").write_text("weights")
    return tmp_path


def _by(*keys: SecretKey, who: str = "--key") -> Demand:
    return Demand(who, tuple(key.public for key in keys))


def test_a_bundle_without_a_manifest_is_taken_where_nobody_demands_a_signature(bundle: Path) -> None:
    seal = check_seal(contents_of(bundle), [])
    assert seal.manifest is None
    assert seal.in_words.startswith("not sealed")


def test_a_sealed_bundle_says_that_it_is_not_signed(bundle: Path) -> None:
    seal_bundle(bundle, _FACTS, None)
    seal = check_seal(contents_of(bundle), [])
    assert seal.manifest is not None
    assert (seal.claimed, seal.signed_by) == (None, None)
    assert seal.in_words.startswith("sealed, not signed")


def test_a_signature_that_nobody_asks_for_is_told_and_not_believed(bundle: Path) -> None:
    seal_bundle(bundle, _FACTS, OWNER)
    seal = check_seal(contents_of(bundle), [])
    assert (seal.claimed, seal.signed_by) == ("0000000000000000", None)
    assert "by its own word" in seal.in_words


def test_no_sign_of_a_manifest_or_its_signature_changes_unnoticed_without_a_key(bundle: Path) -> None:
    seal_bundle(bundle, _FACTS, OWNER)
    for name in (MANIFEST, SIGNATURE):
        was = (bundle / name).read_bytes()
        for n in range(len(was)):
            (bundle / name).write_bytes(was[:n] + bytes([was[n] ^ 1]) + was[n + 1 :])
            with pytest.raises(BundleError, match=_SAYS[name]):
                check_seal(contents_of(bundle), [])
        (bundle / name).write_bytes(was)
    assert check_seal(contents_of(bundle), []).claimed is not None


def test_a_signature_that_was_lost_is_missed_without_a_key(bundle: Path) -> None:
    seal_bundle(bundle, _FACTS, OWNER)
    (bundle / SIGNATURE).unlink()
    with pytest.raises(BundleError, match=r"manifest\.json\.minisig is missing; .* key 0000000000000000 signed it"):
        check_seal(contents_of(bundle), [])


def test_its_maker_may_sign_it_again_with_minisign_itself(bundle: Path) -> None:
    seal_bundle(bundle, _FACTS, OWNER)
    _, rest = (bundle / SIGNATURE).read_text().split("\n", 1)
    for text in (f"untrusted comment: signature from minisign secret key\n{rest}", f"untrusted comment: mine\n{rest}"):
        (bundle / SIGNATURE).write_text(text)
        if "minisign" in text:
            assert check_seal(contents_of(bundle), []).claimed == "0000000000000000"
        else:
            with pytest.raises(BundleError, match="its first line"):
                check_seal(contents_of(bundle), [])


def test_a_package_that_others_sign_anew_is_taken_by_their_key_alone(bundle: Path) -> None:
    seal_bundle(bundle, _FACTS, OWNER)
    (bundle / SIGNATURE).write_text(sign((bundle / MANIFEST).read_bytes(), OTHER, trusted="ours now"))
    assert check_seal(contents_of(bundle), [_by(OTHER)]).signed_by == "0101010101010101"
    with pytest.raises(BundleError, match="signed by key 0101010101010101, not by 0000000000000000"):
        check_seal(contents_of(bundle), [])


def test_a_signature_of_others_that_the_manifest_does_not_announce_is_told(bundle: Path) -> None:
    seal_bundle(bundle, _FACTS, None)
    (bundle / SIGNATURE).write_text(sign((bundle / MANIFEST).read_bytes(), OTHER, trusted="ours now"))
    assert check_seal(contents_of(bundle), []).claimed == "0101010101010101"
    (bundle / SIGNATURE).write_text("hello")
    with pytest.raises(BundleError, match=r"manifest\.json\.minisig: the signature is not in minisign's format"):
        check_seal(contents_of(bundle), [])


def test_a_signer_that_is_no_key_is_refused(bundle: Path) -> None:
    seal_bundle(bundle, _FACTS | {"signer": "me"}, None)
    with pytest.raises(BundleError, match="is no public key"):
        check_seal(contents_of(bundle), [])


def test_a_signature_that_is_demanded_and_right_is_told_with_its_comment(bundle: Path) -> None:
    seal_bundle(bundle, _FACTS, OWNER)
    seal = check_seal(contents_of(bundle), [_by(OTHER, OWNER)])
    assert seal.signed_by == "0000000000000000"
    assert seal.in_words == "sealed, and signed by key 0000000000000000: brats 1.0, packaged today"


def test_every_demand_has_to_be_met(bundle: Path) -> None:
    seal_bundle(bundle, _FACTS, OWNER)
    with pytest.raises(BundleError, match=r"not by 0101010101010101 \(site\.yaml\)"):
        check_seal(contents_of(bundle), [_by(OWNER), _by(OTHER, who="site.yaml")])


@pytest.mark.parametrize("missing", [SIGNATURE, MANIFEST])
def test_what_is_not_signed_is_refused_where_a_signature_is_demanded(bundle: Path, missing: str) -> None:
    seal_bundle(bundle, _FACTS, OWNER)
    (bundle / missing).unlink()
    with pytest.raises(BundleError, match="is not signed, and --key demands it"):
        check_seal(contents_of(bundle), [_by(OWNER)])


def test_a_manifest_that_was_made_to_fit_is_refused_by_its_signature_alone(bundle: Path) -> None:
    seal_bundle(bundle, _FACTS, OWNER)
    signature = (bundle / SIGNATURE).read_text()
    (bundle / "model.pt").write_text("others")
    seal_bundle(bundle, _FACTS, None)
    (bundle / SIGNATURE).write_text(signature)
    assert check_seal(contents_of(bundle), []).claimed is not None
    with pytest.raises(BundleError, match="not that of this file"):
        check_seal(contents_of(bundle), [_by(OWNER)])


def test_a_stranger_s_signature_is_told_before_a_file_is_looked_at(bundle: Path) -> None:
    seal_bundle(bundle, _FACTS, OTHER)
    (bundle / "model.pt").unlink()
    with pytest.raises(BundleError, match="signed by key 0101010101010101") as caught:
        check_seal(contents_of(bundle), [_by(OWNER)])
    assert "model.pt" not in str(caught.value)


def test_an_altered_file_is_refused_however_well_it_is_signed(bundle: Path) -> None:
    seal_bundle(bundle, _FACTS, OWNER)
    (bundle / "model.pt").write_text("weighty")
    with pytest.raises(BundleError, match=r"model\.pt was altered"):
        check_seal(contents_of(bundle), [_by(OWNER)])
    assert check_seal(contents_of(bundle), [_by(OWNER)], files=False).signed_by == "0000000000000000"


def test_a_signature_of_another_file_is_refused(bundle: Path) -> None:
    seal_bundle(bundle, _FACTS, OWNER)
    (bundle / SIGNATURE).write_text(sign((bundle / "LICENSE").read_bytes(), OWNER, trusted="brats 1.0"))
    with pytest.raises(BundleError, match="not that of this file"):
        check_seal(contents_of(bundle), [_by(OWNER)])
