"""What a gate says of an input: accepted, accepted with warnings, or refused; each with a code and a reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ACCEPTED = "accepted"
ACCEPTED_WITH_WARNINGS = "accepted_with_warnings"


def one_line(text: str) -> str:
    """Text with a space for each run of blanks and of characters that do not print, such as colours of a terminal."""
    return " ".join("".join(ch if ch.isprintable() else " " for ch in text).split())


@dataclass(frozen=True)
class Finding:
    """One thing a gate saw.

    Attributes:
        code: A row of ``medseg.io.codes.CODES``; does not change between versions.
        sentence: Names the series, the file where one is to blame, the measured value and what to do; one line, though
            headers and names of files may hold anything.
    """

    code: str
    sentence: str

    def __post_init__(self) -> None:
        """Keep the sentence to one line."""
        object.__setattr__(self, "sentence", one_line(self.sentence))


@dataclass(frozen=True)
class Verdict:
    """Everything a gate saw of one series or file.

    Attributes:
        refusals: Why it must not be used; empty where it may.
        warnings: What its user should know.
    """

    refusals: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether it may be used."""
        return not self.refusals

    @property
    def code(self) -> str:
        """Code of the first refusal, "accepted_with_warnings" or "accepted"."""
        if self.refusals:
            return self.refusals[0].code
        return ACCEPTED_WITH_WARNINGS if self.warnings else ACCEPTED

    @property
    def reason(self) -> str:
        """Sentences of all refusals on one line; empty where there is none."""
        return " ".join(finding.sentence for finding in self.refusals)

    def plus(self, refusals: Iterable[Finding] = (), warnings: Iterable[Finding] = ()) -> Verdict:
        """This verdict and what was seen later, each finding once."""
        return Verdict(
            tuple(dict.fromkeys((*self.refusals, *refusals))), tuple(dict.fromkeys((*self.warnings, *warnings)))
        )
