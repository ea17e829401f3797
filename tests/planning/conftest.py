"""Measures of invented studies, so that plans are tested without an image."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from medseg.core.study import Study
from medseg.planning.fingerprint import Fingerprint, Source, fingerprint_of
from medseg.planning.measures import QUANTILES, ChannelMeasures, LabelMeasures, StudyMeasures
from medseg.planning.parts import plan_split
from medseg.planning.plan import Options, Plan, make_plan

SOURCE = Source(
    title="Invented",
    layout="folder",
    reference="Nobody 2026",
    licence="CC0",
    channels=("t1",),
    labels={1: "head", 2: "tail"},
    modality="MR",
    modality_from="a test",
)


def _label(*, voxels: int = 500, centre: Any = (0, 0, 0), spread: Any = (4, 4, 4), parts: int = 1) -> LabelMeasures:
    return LabelMeasures(voxels, voxels / 1000, centre, spread, parts, 1.0 / parts)


def _study(**changes: Any) -> StudyMeasures:
    quantiles = tuple(float(n) for n in range(QUANTILES))
    study = StudyMeasures(
        shape=(36, 50, 36),
        spacing_mm=(1.0, 1.0, 1.0),
        stored_axes="RAS",
        box=(36, 50, 36),
        zero_share=0.0,
        channels=(ChannelMeasures(0.0, 200.0, 100.0, 50.0, quantiles),),
        labels={1: _label(), 2: _label()},
        digest="d",
        signature=b"",
    )
    return replace(study, **changes)


@pytest.fixture
def label() -> Callable[..., LabelMeasures]:
    """A label of 500 voxels in one part; keywords change it."""
    return _label


@pytest.fixture
def study() -> Callable[..., StudyMeasures]:
    """A study of 36 x 50 x 36 voxels of 1 mm with labels 1 and 2; keywords change it."""
    return _study


@pytest.fixture
def fingerprint() -> Callable[..., Fingerprint]:
    """The fingerprint of so many equal studies; keywords change the source, ``study`` changes the studies."""

    def make(studies: int = 30, *, study: dict[str, Any] | None = None, **source: Any) -> Fingerprint:
        changed = replace(SOURCE, **source)
        one = _study(**(study or {}))
        one = replace(one, channels=one.channels[:1] * len(changed.channels))
        return fingerprint_of(changed, {f"s{n:03d}": one for n in range(studies)}, studies)

    return make


@pytest.fixture
def planned(fingerprint: Callable[..., Fingerprint]) -> Callable[..., Plan]:
    """The plan for a fingerprint, on a CPU with 8 GiB; keywords change the options."""

    def make(data: Fingerprint | None = None, **changes: Any) -> Plan:
        options = Options(name="invented", network="auto", memory_gib=8.0, budget_min=None, device="cpu")
        data = data or fingerprint()
        studies = [Study(f"s{n:03d}", f"p{n % data.patients}", {}) for n in range(data.studies)]
        return make_plan(data, replace(options, **changes), split=plan_split(studies))

    return make
