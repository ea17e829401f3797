import pytest

from medseg.planning.modality import MODALITIES, asked_modality


@pytest.mark.parametrize(
    ("text", "modality"),
    [
        ("mri", "MR"),
        ("T1w", "MR"),
        ("CBCT", "CT"),
        ("cta", "CT"),
        ("histology", "microscopy"),
        ("Fluorescence", "microscopy"),
        ("SM", "microscopy"),
        ("GM", "microscopy"),
        ("pet", "PT"),
        ("ultrasound", "US"),
        ("mg", "MG"),
    ],
)
def test_what_is_asked_for_is_known_by_any_of_its_words(text: str, modality: str) -> None:
    assert asked_modality(text) == modality


def test_no_word_means_two_modalities() -> None:
    words = [word for known in MODALITIES.values() for word in known]
    assert len(words) == len(set(words))


def test_a_modality_is_known_by_its_own_name() -> None:
    assert [asked_modality(modality) for modality in MODALITIES] == list(MODALITIES)
