from medseg.bundle.card_page import failures_of, lead_of, row_of
from tests.bundle.card_examples import PAGE


def test_the_page_of_a_bundle_is_read_by_its_headings() -> None:
    assert lead_of(PAGE) == "A network that outlines cores."
    assert row_of(PAGE, "Network") == "a U-Net of two levels"
    assert row_of(PAGE, "Window") == ""
    assert failures_of(PAGE) == ["- Whole heads.", "- *Old* scans."]
    assert failures_of(PAGE.replace("Where it fails", "Where it may fail")) == ["- Whole heads.", "- *Old* scans."]
    assert (lead_of(""), failures_of("# x\n\ntext\n")) == ("", [])
