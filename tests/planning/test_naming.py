from medseg.planning.naming import REGIONS, Name, brats_names, names_of


def test_plain_names_stay_and_others_become_plain_with_an_alias() -> None:
    assert names_of(["t1", "left kidney", "Tumör (core)"]) == (
        Name("t1"),
        Name("left_kidney", ("left kidney",)),
        Name("Tumor_core", ("Tumör (core)",)),
    )


def test_no_two_names_mean_the_same() -> None:
    names = [one.name for one in names_of(["Head", "head", "HEAD"])]
    assert len({name.lower() for name in names}) == 3


def test_a_name_without_a_letter_is_numbered() -> None:
    assert names_of(["肝", "L1"])[0] == Name("label1", ("肝",))


def test_a_long_name_ends_with_a_word() -> None:
    (name,) = names_of(["left ventricular blood pool of the beating heart"])
    assert name.name == "left_ventricular_blood_pool_of"


def test_several_words_in_brackets_are_left_out_unless_they_are_all() -> None:
    given = ["spinal cord (see structure)", "(grey) matter", "(not sure)"]
    assert [one.name for one in names_of(given)] == ["spinal_cord", "grey_matter", "not_sure"]


def test_labels_of_brats_are_known_by_any_name_in_any_order() -> None:
    found = brats_names(["necrotic core", "oedema", "Enhancing Tumor"])
    assert found is not None
    assert [one.name for one in found] == ["NCR", "ED", "ET"]
    assert "oedema" in found[1].aliases
    assert set().union(*REGIONS.values()) == {one.name for one in found}


def test_other_labels_are_not_those_of_brats() -> None:
    assert brats_names(["edema", "necrosis"]) is None
    assert brats_names(["edema", "necrosis", "liver"]) is None
