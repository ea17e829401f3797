"""Pseudonyms and UIDs made with a key: repeatable with it, valid, and unlike their source."""

import re
import uuid

import pytest
from pydicom.uid import UID, CTImageStorage

from medseg.io.dicom_pseudonyms import Pseudonyms

ONE, OTHER = Pseudonyms(b"0123456789abcdef"), Pseudonyms(b"0123456789abcdeg")


@pytest.mark.parametrize("source", ["1.2.3", "2.25.17", "1.2.840.113619.2.5.1762583153", "no uid at all"])
def test_a_new_uid_is_valid_and_marked_as_made_from_a_digest(source: str) -> None:
    new = UID(ONE.uid(source))
    assert new.is_valid
    assert len(new) <= 64
    made = uuid.UUID(int=int(new.removeprefix("2.25.")))
    assert (made.version, made.variant) == (8, uuid.RFC_4122)


def test_the_same_key_gives_the_same_uid_and_another_key_another() -> None:
    assert ONE.uid("1.2.3") == Pseudonyms(b"0123456789abcdef").uid("1.2.3")
    assert len({ONE.uid("1.2.3"), ONE.uid("1.2.4"), OTHER.uid("1.2.3")}) == 3
    assert ONE.uid("1.2.3\0") == ONE.uid("1.2.3")


def test_registered_and_empty_uids_stay() -> None:
    assert ONE.uid(CTImageStorage) == CTImageStorage
    assert ONE.uid("") == ""


def test_a_patient_has_one_pseudonym_that_fits_every_text_of_dicom() -> None:
    assert re.fullmatch(r"P[0-9A-F]{12}", ONE.patient("17"))
    assert ONE.patient("17 ") == ONE.patient("17")
    assert len({ONE.patient("17"), ONE.patient("18"), ONE.patient("1", "7"), OTHER.patient("17")}) == 4


def test_a_key_shows_itself_nowhere() -> None:
    assert "0123456789" not in repr(ONE)
    assert ONE.fingerprint != OTHER.fingerprint
    assert b"0123456789abcdef".hex() not in ONE.fingerprint


def test_random_keys_differ() -> None:
    assert Pseudonyms.random().uid("1.2.3") != Pseudonyms.random().uid("1.2.3")
