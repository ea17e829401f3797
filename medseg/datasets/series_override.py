"""Series that the user names for a channel: `--series t1c=11`."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from medseg.datasets.series_table import candidate_table
from medseg.io.dicom_series import Series


def overridden(
    overrides: Mapping[str, str], series: Sequence[Series], channels: Sequence[str]
) -> tuple[dict[str, Series], list[str]]:
    """Channel to the series named for it, and why a name cannot be followed.

    Args:
        overrides: Channel to SeriesNumber or SeriesInstanceUID.
        series: Of one study, refused ones too.
        channels: Of the bundle.

    Returns:
        What can be followed, and one sentence per fault: an unknown channel, an unknown or double number, a series
        that is no image or refused, or named twice.
    """
    found, faults = dict[str, Series](), list[str]()
    for channel, text in overrides.items():
        given = f"--series {channel}={text}"
        named = _named(text.strip(), series)
        if channel not in channels:
            nearest = difflib.get_close_matches(channel, channels, n=1, cutoff=0.4)
            also = f"; did you mean '{nearest[0]}'?" if nearest else ""
            faults.append(f"{given}: the bundle has no channel '{channel}', only {', '.join(channels)}{also}")
        elif fault := _fault(named, series):
            faults.append(f"{given}: {fault}")
        elif named[0] in found.values():
            other = next(name for name, one in found.items() if one is named[0])
            faults.append(f"{given}: {named[0].name} is named for {other} too; one series cannot serve two channels")
        else:
            found[channel] = named[0]
    return found, faults


def _named(text: str, series: Sequence[Series]) -> list[Series]:
    by_uid = [one for one in series if one.uid and one.uid == text]
    return by_uid or [one for one in series if one.number is not None and text.isdecimal() and one.number == int(text)]


def _fault(named: Sequence[Series], series: Sequence[Series]) -> str | None:
    if not named:
        return "no series has this number or UID; there are" + _listed(series, [n for n, _ in enumerate(series)])
    if len(named) > 1:
        double = [n for n, one in enumerate(series) if any(one is other for other in named)]
        return f"{len(named)} series have this number; give the UID" + _listed(series, double)
    if not named[0].is_image:
        return f"{named[0].name} is no image"
    return None if named[0].verdict.accepted else f"{named[0].name} is refused: {named[0].verdict.reason}"


def _listed(series: Sequence[Series], positions: Sequence[int]) -> str:
    words = {n: _kind(series[n]) for n in positions}
    return "".join(f"\n      {line.rstrip()}" for line in candidate_table(series, words))


def _kind(series: Series) -> str:
    return series.modality if series.verdict.accepted else f"{series.modality}, refused: {series.verdict.code}"
