from medseg.bundle.claims import OF_THEIR_OWN, metadata_without_results, page_without_results

PAGE = """# name

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


def test_a_page_keeps_everything_but_its_results() -> None:
    found = page_without_results(PAGE)
    assert found == PAGE.split("## How")[0] + OF_THEIR_OWN + "## Train it\n\nAs written.\n"


def test_results_at_the_end_of_a_page_go_too() -> None:
    text = PAGE.split("## Train it")[0]
    assert page_without_results(text) == PAGE.split("## How")[0] + OF_THEIR_OWN


def test_a_page_that_claims_nothing_stays() -> None:
    assert page_without_results("# name\n\nA thing.\n") == "# name\n\nA thing.\n"


def test_taking_back_twice_is_taking_back_once() -> None:
    once = page_without_results(PAGE)
    assert page_without_results(once) == once


def test_metadata_keeps_everything_but_its_results() -> None:
    metadata = {"name": "x", "eval_metrics": {"WT": {"dice": 0.99}}, "version": "1.0.0"}
    assert metadata_without_results(metadata) == {"name": "x", "eval_metrics": {}, "version": "1.0.0"}
    assert metadata["eval_metrics"], "the bundle that is copied keeps its own"
