"""Series rules and label codes of the shipped bundles, tried on headers as scanners of several makers write them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom.sr._concepts_dict import concepts

from medseg.bundle.coding import coded_labels
from medseg.bundle.read import Bundle, read_bundle
from medseg.bundle.series import keyword_faults
from medseg.core.errors import DatalistError
from medseg.datasets.phantom_dicom import write_phantom_study
from medseg.datasets.series_grid import check_shared_space
from medseg.datasets.series_match import Match, match_series
from medseg.io.dicom import find_series
from medseg.runs.pictures import PALETTE

ROOT = Path(__file__).resolve().parents[2] / "bundles"
PAGE = ROOT.parent / "docs" / "reference" / "series-rules.md"
BRATS = ("brats_segresnet", "brats_unet3d")
HIPPOCAMPUS = ("hippocampus_segresnet", "hippocampus_unet2d", "hippocampus_unet3d")
Make = Callable[..., Any]

AGENT = {"ContrastBolusAgent": "7.5 ml Gadovist"}
# Weightings as (ScanningSequence, TR, TE, TI, 2D or 3D), in ms: what protocols of 1.5 and 3 T look like.
SPIN_T1 = ("SE", 500, 10, None, "2D")
SPIN_T1_3T = ("SE", 1050, 8.4, 0, "2D")
SPACE_T1 = ("SE", 600, 12, None, "3D")
MPRAGE = (["GR", "IR"], 2000, 2.3, 900, "3D")
BRAVO = ("GR", 8.2, 3.2, 450, "3D")
PHILIPS_TFE = ("GR", 7.9, 3.6, None, "3D")
T1_FLAIR = (["SE", "IR"], 2500, 24, 860, "2D")
TSE_T2 = ("SE", 4000, 92, None, "2D")
SPACE_T2 = ("SE", 3200, 408, None, "3D")
FLAIR = (["SE", "IR"], 9000, 120, 2500, "2D")
SPACE_FLAIR = (["SE", "IR"], 4800, 340, 1650, "3D")
BARE_FLAIR = ("SE", 8000, 125, None, "2D")

SITES = {
    "spin echo at 1.5 T": [
        ("t1", SPIN_T1, "B Ax T1", {}),
        ("t1c", SPIN_T1, "B Ax T1 +C", AGENT),
        ("t2", TSE_T2, "B Ax T2", {}),
        ("flair", FLAIR, "B Ax Flair", {}),
    ],
    "MPRAGE at 3 T, T2 and FLAIR after contrast": [
        ("t1", MPRAGE, "t1_mprage_sag_p2_iso", {}),
        ("t1c", MPRAGE, "t1_mprage_sag_p2_iso_KM", AGENT),
        ("t2", TSE_T2, "t2_tse_tra", AGENT),
        ("flair", SPACE_FLAIR, "t2_space_dark-fluid_sag_p2_iso", AGENT),
    ],
    "agent not entered": [
        ("t1", BRAVO, "Ax BRAVO", {}),
        ("t1c", BRAVO, "Ax BRAVO +GAD", {}),
        ("t2", TSE_T2, "Ax T2 PROPELLER", {}),
        ("flair", FLAIR, "Ax T2 FLAIR", {}),
    ],
    "agent entered for the whole visit, as none before": [
        ("t1", PHILIPS_TFE, "T1W_3D_TFE", {"ContrastBolusAgent": "NONE"}),
        ("t1c", PHILIPS_TFE, "T1W_3D_TFE gd", AGENT),
        ("t2", SPACE_T2, "T2W_3D_TSE", {"ContrastBolusAgent": "No contrast"}),
        ("flair", SPACE_FLAIR, "3D FLAIR", {"ContrastBolusAgent": "n/a"}),
    ],
    "inverted T1 beside FLAIR": [
        ("t1", T1_FLAIR, "Ax T1 FLAIR", {}),
        ("t1c", T1_FLAIR, "Ax T1 FLAIR POST", AGENT),
        ("t2", TSE_T2, "Ax T2 FSE", {}),
        ("flair", FLAIR, "Ax T2 FLAIR", {}),
    ],
    "TI not written": [
        ("t1", SPIN_T1_3T, "T1 TSE", {}),
        ("t1c", SPACE_T1, "T1 SPACE ce", {}),
        ("t2", TSE_T2, "T2 TSE", {}),
        ("flair", BARE_FLAIR, "FLAIR tra", {}),
    ],
}
# What lies in such studies beside the four, and must never be one of them. More slices, so a tie-break would take it.
STRANGERS = [
    (("GR", 8.6, 4.0, None, "2D"), "localizer", {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}),
    (SPIN_T1, "SUB_T1", {"ImageType": ["DERIVED", "SECONDARY", "SUBTRACTION"], **AGENT}),
    (SPIN_T1, "t1_post_sub", AGENT),
    ((["SE", "EP"], 5000, 84, None, "2D"), "ep2d_diff_b1000", {"DiffusionBValue": 1000.0}),
    ((["SE", "EP"], 5000, 84, None, "2D"), "ep2d_diff_ADC", {"ImageType": ["DERIVED", "PRIMARY", "DIFFUSION", "ADC"]}),
    (("SE", 5000, 84, None, "2D"), "PROPELLER DWI", {"DiffusionBValue": 1000.0}),
    (("SE", 5000, 84, None, "2D"), "Apparent Diffusion Coefficient", {"ImageType": ["DERIVED", "SECONDARY", "ADC"]}),
    (("GR", 28, 20, None, "3D"), "SWI_Images", {}),
    (("GR", 28, 20, None, "3D"), "Ax SWAN", AGENT),
    (("GR", 600, 20, None, "2D"), "Ax GRE", {}),
    ((["GR", "EP"], 1500, 30, None, "2D"), "ep2d_perf_p2", AGENT),
    (("GR", 1500, 30, None, "2D"), "DSC rCBV", AGENT),
    (("GR", 3.2, 1.1, None, "3D"), "t1_vibe_dyn_dce", AGENT),
    (("GR", 21, 3.4, None, "3D"), "TOF_3D_multi-slab", {"AngioFlag": "Y"}),
    (("GR", 488, 4.9, None, "2D"), "gre_field_mapping", {}),
    (("SE", 4500, 60, 150, "2D"), "t2_stir", {}),
    (("SE", 2800, 20, None, "2D"), "pd_tse", {}),
    (MPRAGE, "MIP t1", {"ImageType": ["DERIVED", "SECONDARY", "PROJECTION IMAGE"], **AGENT}),
]


def _series(
    make: Make, number: int, weighting: tuple, description: str, extra: dict[str, Any], slices: int = 22
) -> Any:
    sequence, repetition_ms, echo_ms, inversion_ms, kind = weighting
    attributes = {"ScanningSequence": sequence, "RepetitionTime": str(repetition_ms), "EchoTime": str(echo_ms)}
    attributes |= {} if inversion_ms is None else {"InversionTime": str(inversion_ms)}
    plain = {"MRAcquisitionType": kind, "ImageType": ["ORIGINAL", "PRIMARY", "M", "NORM"]}
    return make(number, description, shape=(64, 64, slices), **(plain | attributes | extra))


def _match(bundle: Bundle, series: Any, **overrides: str) -> Match:
    return match_series(bundle.series, series, overrides, channels=[channel.name for channel in bundle.channels])


def _bundle(name: str) -> Bundle:
    return read_bundle(ROOT / name)


def test_the_rules_ask_for_what_dicom_knows_and_nothing_of_the_patient(name: str) -> None:
    rules = _bundle(name).series
    assert rules is not None
    assert keyword_faults(rules) == []


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("brats", BRATS)
def test_the_four_sequences_of_a_site_are_found_among_its_other_series(series: Make, site: str, brats: str) -> None:
    study = [_series(series, n, *facts) for n, (_, *facts) in enumerate(SITES[site], 1)]
    study += [_series(series, n, *facts, slices=200) for n, facts in enumerate(STRANGERS, 20)]
    match = _match(_bundle(brats), study[::-1])
    wanted = {channel: number for number, (channel, *_) in enumerate(SITES[site], 1)}
    assert {channel: choice.series.number for channel, choice in match.channels.items()} == wanted
    assert match.reference == "t1c"


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda one: one[1])
def test_what_is_no_anatomical_weighting_is_no_channel(series: Make, stranger: tuple) -> None:
    with pytest.raises(DatalistError) as caught:
        _match(_bundle("brats_unet3d"), [_series(series, 1, *stranger)])
    assert "4 faults" in str(caught.value)


def test_an_mprage_is_not_taken_for_a_flair(series: Make) -> None:
    study = [_series(series, n, *facts) for n, (_, *facts) in enumerate(SITES["spin echo at 1.5 T"][:3], 1)]
    study.append(_series(series, 9, MPRAGE, "t1_mprage", {}))
    with pytest.raises(DatalistError, match=r"flair: no series meets its rule\n(.*\n)*.*InversionTime 900, wanted"):
        _match(_bundle("brats_unet3d"), study)


def test_two_contrast_series_alike_are_an_error_and_an_override_settles_it(series: Make) -> None:
    study = [_series(series, n, *facts) for n, (_, *facts) in enumerate(SITES["spin echo at 1.5 T"], 1)]
    study.append(_series(series, 12, SPIN_T1, "B Ax T1 +C", AGENT))
    with pytest.raises(DatalistError, match="t1c: 2 series meet its rule"):
        _match(_bundle("brats_unet3d"), study)
    assert _match(_bundle("brats_unet3d"), study, t1c="12").channels["t1c"].series.number == 12


@pytest.mark.parametrize("hippocampus", HIPPOCAMPUS)
@pytest.mark.parametrize("weighting", [MPRAGE, BRAVO, PHILIPS_TFE])
def test_the_hippocampus_takes_the_3d_t1_without_contrast(series: Make, hippocampus: str, weighting: tuple) -> None:
    study = [_series(series, 1, weighting, "T1 3D", {}, 176), _series(series, 2, weighting, "T1 3D Gd", AGENT, 200)]
    study += [_series(series, 3, SPIN_T1, "Ax T1", {}), _series(series, 4, SPACE_FLAIR, "FLAIR 3D", {}, 200)]
    study += [_series(series, n, *facts, slices=200) for n, facts in enumerate(STRANGERS, 20)]
    assert _match(_bundle(hippocampus), study).channels["t1"].series.number == 1


@pytest.fixture(scope="module")
def phantom_study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The brain tumour phantom as DICOM; do not write into it."""
    return write_phantom_study(tmp_path_factory.mktemp("phantom") / "study", kind="brain_tumour")


def test_a_phantom_study_goes_from_files_to_channels(phantom_study: Path) -> None:
    match = _match(_bundle("brats_unet3d"), find_series(phantom_study).series)
    folders = {channel: choice.series.files[0].parent.name for channel, choice in match.channels.items()}
    assert folders == {channel: channel for channel in ("t1", "t1c", "t2", "flair")}
    check_shared_space(match)


def test_a_hippocampus_phantom_is_found_too(tmp_path: Path) -> None:
    found = find_series(write_phantom_study(tmp_path / "study", kind="hippocampus"))
    for hippocampus in HIPPOCAMPUS:
        assert _match(_bundle(hippocampus), found.series).channels["t1"].series is found.series[0]


def test_the_message_on_the_reference_page_is_the_one_printed(phantom_study: Path) -> None:
    series = [one for one in find_series(phantom_study).series if one.description != "FLAIR"]
    with pytest.raises(DatalistError) as caught:
        _match(_bundle("brats_unet3d"), series, t1="2")
    assert f"```text\n{caught.value}\n```" in PAGE.read_text(encoding="utf-8")


@pytest.mark.realdata
def test_the_real_study_is_found_without_an_option_and_lies_in_one_space(real_data: Path) -> None:
    found = find_series(real_data / "dicom" / "mr_braintumor_4seq")
    for name_of_bundle in BRATS:
        match = _match(_bundle(name_of_bundle), found.series)
        assert {channel: choice.series.description for channel, choice in match.channels.items()} == {
            "t1": "T1pre_reg",
            "t1c": "T1post",
            "t2": "T2_reg",
            "flair": "FLAIR_reg",
        }
        assert match.warnings == ()
        check_shared_space(match)


def test_every_code_of_a_label_is_the_one_dicom_lists_for_that_meaning(name: str) -> None:
    listed = {
        (code, scheme, meaning)
        for scheme, by_keyword in concepts.items()
        for codes in by_keyword.values()
        for code, (meaning, _) in codes.items()
    }
    for label in coded_labels(_bundle(name)):
        for concept in (label.category, label.type, label.site, label.modifier):
            assert concept is None or (concept.value, concept.scheme, concept.meaning) in listed


def test_no_two_labels_share_their_codes_and_colours_are_those_of_the_pictures(name: str) -> None:
    labels = coded_labels(_bundle(name))
    assert len({(one.type, one.modifier) for one in labels}) == len(labels)
    shown = [f"#{int.from_bytes(bytes(one.colour or ()), 'big'):06X}" for one in labels]
    assert shown == list(PALETTE[: len(labels)])
    assert np.unique([one.category.value for one in labels]).size == 1
