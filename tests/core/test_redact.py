"""No spelling of an identity gets through, and what is no identity stays."""

import json
from pathlib import PurePosixPath

import pytest

from medseg.core.redact import Redactor

IDENTITY = ["Albus^Dumbledore", "MRN-004217", "18810626", "A2020X77", "Li^Bo", ""]


@pytest.mark.parametrize(
    "spelling",
    [
        "Albus^Dumbledore",
        "ALBUS DUMBLEDORE",
        "dumbledore_albus",
        "Dumbledore, Albus",
        "albus-dumbledore",
        "AlbusDumbledore",
        "Albus",
        "dumbledore",
        "MRN-004217",
        "mrn004217",
        "MRN_004217",
        "18810626",
        "1881-06-26",
        "26.06.1881",
        "26.6.1881",
        "1881/06/26",
        "06/26/1881",
        "26061881",
        "26 June 1881",
        "Jun 26th, 1881",
        "1881-Jun-26",
        "a2020x77",
        "Li^Bo",
        "Bo Li",
    ],
)
def test_every_spelling_is_removed_whole(spelling: str) -> None:
    assert Redactor(IDENTITY).text(f"T1 ({spelling}) post") == "T1 ([removed]) post"


@pytest.mark.parametrize("text", ["x18810626142233.dcm", "SCAN_1881_06_26_a", "IMalbusT1", "xDumbledore7"])
def test_a_long_word_is_found_inside_another(text: str) -> None:
    redacted = Redactor(IDENTITY).text(text).lower()
    assert "[removed]" in redacted
    assert not any(word in redacted for word in ("albus", "dumbledore", "1881"))


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("Ann^Lee", "channel t1 of the scanner while asleep"),
        ("Ann^Lee", "Annotated"),
        ("512", "shape 1512 and x5120"),
        ("Li", "lines of the liver"),
        ("7", "7 slices at 7 T"),
        ("MRI-0042", "MRI of the head"),
        ("20200231", "2020-02-31 is no date"),
    ],
)
def test_what_only_looks_alike_stays(word: str, text: str) -> None:
    assert Redactor([word]).text(text) == text


@pytest.mark.parametrize("text", ["Ann", "ANN LEE", "t1_ann_post", "for Lee.", "Lee2"])
def test_a_short_name_is_found_where_it_stands_alone(text: str) -> None:
    assert "[removed]" in Redactor(["Ann^Lee"]).text(text)


@pytest.mark.parametrize("text", ["Müller", "MÜLLER", "Mu\u0308ller", "muller", "Mueller"])
def test_accents_hide_nothing(text: str) -> None:
    assert Redactor(["Müller^Jörg"]).text(text) == "[removed]"


def test_other_alphabets_and_name_groups_are_words_too() -> None:
    redactor = Redactor(["Yamada^Tarou=山田花^太郎"])
    assert redactor.text("山田花 TAROU yamada") == "[removed] [removed] [removed]"


def test_a_date_with_time_hides_the_day() -> None:
    assert Redactor(["20200121103015.000000+0100"]).text("on 21.01.2020") == "on [removed]"


def test_a_date_whose_order_is_unknown_is_removed_in_both() -> None:
    assert Redactor(["03/04/2020"]).text("20200304 20200403 20200505") == "[removed] [removed] 20200505"


def test_signs_of_regular_expressions_mean_themselves() -> None:
    assert Redactor(["a+b(c*)"]).text("aab(c) and a+b(c*)") == "aab(c) and [removed]"


def test_data_is_redacted_to_its_last_key() -> None:
    data = {
        "Albus": [{"path": "/x/dumbledore/1.dcm"}, ("MRN-004217",), 18810626, 18, 1.5, True, None],
        "plain": PurePosixPath("/albus/2"),
    }
    redacted = Redactor(IDENTITY).data(data)
    assert redacted == {
        "[removed]": [{"path": "/x/[removed]/1.dcm"}, ["[removed]"], "[removed]", 18, 1.5, True, None],
        "plain": "/[removed]/2",
    }
    assert json.loads(json.dumps(redacted)) == redacted


def test_keys_that_become_equal_keep_their_values() -> None:
    redacted = Redactor(IDENTITY).data({"Albus": 1, "Dumbledore": 2, "ALBUS": 3})
    assert redacted == {"[removed]": 1, "[removed] 2": 2, "[removed] 3": 3}


def test_a_short_id_does_not_take_a_shape_apart() -> None:
    assert Redactor(["512"]).data({"shape": [512, 512, 20], "id": "512"}) == {
        "shape": [512, 512, 20],
        "id": "[removed]",
    }


def test_without_words_nothing_changes() -> None:
    assert Redactor(["", " ", "Li"]).text("Li, 1 mm") == "Li, 1 mm"
    assert Redactor([]).data({"a": [1, "b"]}) == {"a": [1, "b"]}
