"""From the series of a DICOM study to the channels of a bundle: by its rules, never by a guess."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from medseg.core.errors import BundleError, DatalistError, raise_faults
from medseg.core.series_rules import Alternative, SeriesRules, Value
from medseg.datasets.series_override import overridden
from medseg.datasets.series_table import candidate_table
from medseg.datasets.series_tie import break_ties
from medseg.io.dicom_attributes import attribute_of, keyword_faults
from medseg.io.dicom_series import Series


@dataclass(frozen=True)
class Choice:
    """The series of one channel.

    Attributes:
        series: Accepted by the gate.
        reason: Every condition met with the value found, and the tie-breaks that were needed.
        warnings: What the user should know, one sentence each.
    """

    series: Series
    reason: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Match:
    """Which series serves which channel.

    Attributes:
        reference: Channel whose slices the result lies on.
        channels: In the bundle's order.
    """

    reference: str
    channels: Mapping[str, Choice]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Those of all choices, in order."""
        return tuple(warning for choice in self.channels.values() for warning in choice.warnings)


def match_series(
    rules: SeriesRules | None,
    series: Sequence[Series],
    overrides: Mapping[str, str] | None = None,
    *,
    channels: Sequence[str],
) -> Match:
    """The series of each channel of a bundle.

    A rule's alternatives are tried in order; the first that an accepted series meets decides. Tie-breaks follow. A
    series named for one channel is not offered to the others.

    Args:
        rules: Of the bundle; None where it has no series.yaml: then its one channel takes the study's one image series.
        series: Of one study, refused ones too.
        overrides: Channel to SeriesNumber or SeriesInstanceUID, as ``--series t1c=11`` gives them.
        channels: Of the bundle, in the network's order.

    Raises:
        BundleError: A rule asks for what is no DICOM keyword, or tells of the patient.
        DatalistError: A channel has no series, several, or only one that is refused; or an override cannot be
            followed. All are listed, each with its table of candidates.
    """
    if rules is not None:
        raise_faults("configs/series.yaml", keyword_faults(rules.keywords), BundleError)
    title = f"Channels {', '.join(channels)} among {len(series)} series"
    named, faults = overridden(overrides or {}, series, channels)
    raise_faults(title, faults, DatalistError)
    study = _Study(series, named)
    outcomes = {channel: _outcome(study, rules, channel, channels) for channel in channels}
    choices = {channel: one for channel, one in outcomes.items() if isinstance(one, Choice)}
    # One sentence may hold for several channels; it is told once.
    faults = list(dict.fromkeys(one for one in outcomes.values() if isinstance(one, str)))
    raise_faults(title, [*faults, *_shared(choices)], DatalistError)
    return Match(channels[0] if rules is None else rules.reference, choices)


class _Study:
    """The series of a study while its channels are looked for; remembers what headers said."""

    def __init__(self, series: Sequence[Series], named: Mapping[str, Series]) -> None:
        self.series = series
        self.named = named
        self.taken = {n: channel for channel, one in named.items() for n, other in enumerate(series) if other is one}
        self.free = [n for n, one in enumerate(series) if one.is_image and one.slices and n not in self.taken]
        self.values = cache(self._values)

    def _values(self, position: int, keyword: str) -> tuple[Value, ...]:
        return attribute_of(self.series[position], keyword)

    def meets(self, position: int, row: Alternative) -> bool:
        """Whether a series meets all conditions of an alternative."""
        return all(one.holds(self.values(position, one.keyword)) for one in row)

    def met(self, position: int, row: Alternative) -> str:
        """The conditions that a series meets, in words, exclusions last."""
        ordered = sorted(row, key=lambda one: one.excludes)
        return "; ".join(dict.fromkeys(one.met(self.values(position, one.keyword)) for one in ordered))

    def failed(self, position: int, rows: Sequence[Alternative]) -> str:
        """The first condition a series fails, of the alternative it comes nearest to; and whether it is refused."""
        failing = [[one for one in row if not one.holds(self.values(position, one.keyword))] for row in rows]
        first = min(failing, key=len)[0]
        verdict = self.series[position].verdict
        words = first.failed(self.values(position, first.keyword))
        return words if verdict.accepted else f"{words}; refused: {verdict.code}"

    def table(self, channel: str, words: Mapping[int, str]) -> str:
        """Lines below a sentence: the candidates, then what to do."""
        taken = {n: f"taken for {other} by --series" for n, other in self.taken.items()}
        lines = candidate_table(self.series, dict(sorted({**taken, **words}.items())))
        advice = [f"If one of them is {channel}, name it: --series {channel}=NUMBER"] if words else []
        return "".join(f"\n      {line}" for line in [*lines, *advice])


def _outcome(study: _Study, rules: SeriesRules | None, channel: str, channels: Sequence[str]) -> Choice | str:
    """The choice for a channel, or why there is none."""
    if channel in study.named:
        return Choice(study.named[channel], "named by --series")
    if rules is not None:
        return _by_rules(study, rules, channel)
    return _only(study, channel) if len(channels) == 1 else _without_rules(study, channels)


def _by_rules(study: _Study, rules: SeriesRules, channel: str) -> Choice | str:
    rows = rules.channels[channel]
    refused: list[int] = []
    for row in rows:
        meeting = [n for n in study.free if study.meets(n, row)]
        refused += [n for n in meeting if not study.series[n].verdict.accepted and n not in refused]
        accepted = [n for n in meeting if study.series[n].verdict.accepted]
        if accepted:
            return _chosen(study, rules, channel, row, accepted, refused)
    if refused:
        return _all_refused(study, channel, refused)
    words = {n: study.failed(n, rows) for n in study.free}
    return f"{channel}: no series meets its rule" + study.table(channel, words)


def _chosen(
    study: _Study, rules: SeriesRules, channel: str, row: Alternative, accepted: Sequence[int], refused: Sequence[int]
) -> Choice | str:
    left, decided = break_ties(study.series, accepted, rules.tie_breaks)
    if len(left) > 1:
        words = {n: study.failed(n, rules.channels[channel]) for n in study.free if n not in (*accepted, *refused)}
        words |= {n: f"refused: {study.series[n].verdict.code}" for n in refused}
        words |= {n: "meets the rule, loses by a tie-break" for n in accepted} | {n: "meets the rule" for n in left}
        return f"{channel}: {len(left)} series meet its rule" + study.table(channel, words)
    reason = "; ".join(part for part in (study.met(left[0], row), decided) if part)
    return Choice(study.series[left[0]], reason, tuple(_passed_over(study, channel, n) for n in refused))


def _passed_over(study: _Study, channel: str, position: int) -> str:
    one = study.series[position]
    return f"{channel}: {one.name} meets the rule too and is refused: {one.verdict.reason}"


def _all_refused(study: _Study, channel: str, refused: Sequence[int]) -> str:
    reasons = " ".join(f"{study.series[n].name} is refused: {study.series[n].verdict.reason}" for n in refused)
    return f"{channel}: no accepted series meets its rule; {reasons}"


def _only(study: _Study, channel: str) -> Choice | str:
    """The one accepted image series of a study, for a bundle of one channel and no rules."""
    accepted = [n for n in study.free if study.series[n].verdict.accepted]
    refused = [n for n in study.free if n not in accepted]
    if len(accepted) == 1:
        warnings = tuple(f"{study.series[n].name} is refused: {study.series[n].verdict.reason}" for n in refused)
        return Choice(study.series[accepted[0]], "the only accepted image series", warnings)
    words = {n: "accepted" if n in accepted else f"refused: {study.series[n].verdict.reason}" for n in study.free}
    return f"{channel}: {len(accepted)} accepted image series, one is wanted" + study.table(channel, words)


def _without_rules(study: _Study, channels: Sequence[str]) -> str:
    wanted = " ".join(f"{channel}=NUMBER" for channel in channels if channel not in study.named)
    words = {n: "accepted" if study.series[n].verdict.accepted else "refused" for n in study.free}
    lines = "".join(f"\n      {line}" for line in candidate_table(study.series, words))
    return (
        "the bundle does not say how to recognise its channels: write configs/series.yaml, or name every series: "
        f"--series {wanted}{lines}"
    )


def _shared(choices: Mapping[str, Choice]) -> list[str]:
    """One sentence per series that two rules chose."""
    names = list(choices)
    return [
        f"{first} and {second}: {choices[first].series.name} meets both rules; name one: --series {second}=NUMBER"
        for n, first in enumerate(names)
        for second in names[n + 1 :]
        if choices[first].series is choices[second].series
    ]
