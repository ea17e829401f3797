from typing import Any

import pytest

from medseg.bundle.label_codes import label_codes_of, named_values
from medseg.core.coding import CodedLabel, Concept
from medseg.core.labels import Label, LabelSet

LABELS = LabelSet((Label("core", 1), Label("rim", 7)), {"whole": ("core", "rim"), "rim": ("rim",)})
LESION = ["52988006", "SCT", "Lesion"]
ALTERED = ["49755003", "SCT", "Morphologically Abnormal Structure"]
ENTRY = {"category": ALTERED, "type": LESION}


def test_labels_come_before_regions_and_a_region_that_is_a_label_comes_once() -> None:
    assert named_values(LABELS) == [("core", (1,)), ("rim", (7,)), ("whole", (1, 7))]


def test_an_entry_becomes_a_coded_label_with_the_values_of_the_label_map() -> None:
    brain, left = ["12738006", "SCT", "Brain"], ["7771000", "SCT", "Left"]
    codes = {"whole": ENTRY, "core": ENTRY | {"site": brain, "modifier": left, "colour": [230, 159, 0]}}
    coded, faults = label_codes_of({"label_codes": codes}, LABELS)
    assert faults == []
    assert coded == (
        CodedLabel("core", (1,), Concept(*ALTERED), Concept(*LESION), Concept(*brain), Concept(*left), (230, 159, 0)),
        CodedLabel("whole", (1, 7), Concept(*ALTERED), Concept(*LESION)),
    )


def test_a_bundle_without_codes_has_no_fault_and_no_coded_label() -> None:
    assert label_codes_of({}, LABELS) == ((), [])


@pytest.mark.parametrize(
    ("codes", "fault"),
    [
        ([], "label_codes: [] is not names and codes"),
        ({"cor": ENTRY}, "label_codes.cor: no label or region; did you mean 'core'?"),
        ({"core": LESION}, "label_codes.core: ['52988006', 'SCT', 'Lesion']; write"),
        ({"core": {"type": LESION}}, "label_codes.core.category: missing"),
        ({"core": {"category": ALTERED}}, "label_codes.core.type: missing"),
        ({"core": ENTRY | {"color": [1, 2, 3]}}, "label_codes.core.color: unknown key; did you mean 'colour'?"),
        ({"core": ENTRY | {"type": LESION[:2]}}, "label_codes.core.type: ['52988006', 'SCT'] is not [code, scheme"),
        ({"core": ENTRY | {"type": [52988006, "SCT", "Lesion"]}}, "label_codes.core.type: [52988006, 'SCT', 'Lesion']"),
        ({"core": ENTRY | {"site": ["1", "", "x"]}}, "label_codes.core.site: ['1', '', 'x'] is not"),
        ({"core": ENTRY | {"site": ["1" * 17, "SCT", "x"]}}, "label_codes.core.site: '11111111111111111' has 17 char"),
        ({"core": ENTRY | {"colour": [0, 0, 256]}}, "label_codes.core.colour: [0, 0, 256] is not [red, green, blue]"),
        ({"core": ENTRY | {"colour": "#fff"}}, "label_codes.core.colour: '#fff' is not [red, green, blue]"),
    ],
)
def test_a_fault_names_its_key_and_value(codes: Any, fault: str) -> None:
    coded, faults = label_codes_of({"label_codes": codes}, LABELS)
    assert coded == ()
    assert [found.startswith(fault) for found in faults] == [True], faults


def test_what_is_right_is_kept_beside_what_is_wrong() -> None:
    coded, faults = label_codes_of({"label_codes": {"core": ENTRY, "rim": {}}}, LABELS)
    assert [one.name for one in coded] == ["core"]
    assert faults == ["label_codes.rim.category: missing", "label_codes.rim.type: missing"]
