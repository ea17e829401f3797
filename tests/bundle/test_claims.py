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


def test_of_a_packages_card_nothing_is_left_that_holds_for_its_weights() -> None:
    card = """# name 1.0.0

**Measured on so few patients that no score has an interval: the numbers say little.**

| Version | 1.0.0, packaged on a day |
| Weights | SHA-256 `78dd` |
| Network | a U-Net |

## Data and training

148 studies.

## How good it is

Dice 0.9.

## By group

Dice 0.8.

## Where it fails

- Whole heads.

### Worst studies

![Study 1](gallery/1-worst.png)

## Other forms of the network

8 bits.

## Use it

As written.
"""
    found = page_without_results(card)
    for gone in ("148", "0.9", "0.8", "Worst", "gallery", "8 bits", "SHA-256", "so few", "1.0.0, packaged"):
        assert gone not in found
    for kept in ("# name", "a U-Net", "Whole heads", "As written", OF_THEIR_OWN):
        assert kept in found
    assert page_without_results(found) == found
