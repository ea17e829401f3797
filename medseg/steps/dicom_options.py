"""What a user says of DICOM series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from medseg.bundle.read import Bundle
from medseg.core.errors import UsageError

if TYPE_CHECKING:
    from medseg.steps.jobs import Job


@dataclass(frozen=True)
class DicomOptions:
    """What a user says of the series.

    Attributes:
        series: Channel to SeriesNumber or SeriesInstanceUID.
        select: Attribute to value: keeps one volume of a series that holds several.
        resample_tilt: Whether a tilted gantry is resampled.
    """

    series: Mapping[str, str] = field(default_factory=dict)
    select: Mapping[str, str] = field(default_factory=dict)
    resample_tilt: bool = False

    def check_channels(self, bundle: Bundle) -> None:
        """Refuse a channel that the bundle does not have.

        Raises:
            UsageError: Names those it has.
        """
        known = [channel.name for channel in bundle.channels]
        unknown = [name for name in self.series if name not in known]
        if unknown:
            raise UsageError(
                f"--series: bundle '{bundle.name}' has no channel '{unknown[0]}'; it has {', '.join(known)}."
            )


def check_used(options: DicomOptions, jobs: Sequence[Job]) -> None:
    """Refuse words on DICOM series where there is none, rather than pass them over.

    Raises:
        UsageError: Names the option.
    """
    given = {"--series": options.series, "--select": options.select, "--resample-tilt": options.resample_tilt}
    said = [name for name, value in given.items() if value]
    if said and jobs and all(job.reference is None for job in jobs):
        raise UsageError(f"{', '.join(said)}: for DICOM input; none of the studies is DICOM.")
