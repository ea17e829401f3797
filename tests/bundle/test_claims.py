from medseg.bundle.claims import NOT_MEASURED, card_without_results, metadata_without_results

CARD = """# name

Outlines a thing.

## How good it is

Dice 0.99.

| a | b |
| --- | --- |

### On whom

Everyone.

## Train it

As written.
"""


def test_a_card_keeps_everything_but_its_results() -> None:
    found = card_without_results(CARD)
    assert found == CARD.split("## How")[0] + NOT_MEASURED + "## Train it\n\nAs written.\n"


def test_results_at_the_end_of_a_card_go_too() -> None:
    text = CARD.split("## Train it")[0]
    assert card_without_results(text) == CARD.split("## How")[0] + NOT_MEASURED


def test_a_card_that_claims_nothing_stays() -> None:
    assert card_without_results("# name\n\nA thing.\n") == "# name\n\nA thing.\n"


def test_taking_back_twice_is_taking_back_once() -> None:
    once = card_without_results(CARD)
    assert card_without_results(once) == once


def test_metadata_keeps_everything_but_its_results() -> None:
    metadata = {"name": "x", "eval_metrics": {"WT": {"dice": 0.99}}, "version": "1.0.0"}
    assert metadata_without_results(metadata) == {"name": "x", "eval_metrics": {}, "version": "1.0.0"}
    assert metadata["eval_metrics"], "the bundle that is copied keeps its own"
