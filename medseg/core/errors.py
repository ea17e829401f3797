"""Every error medseg raises on purpose, and the exit code each ends a command with.

MedsegError          1  refused, with one clear message
  UsageError         2  the command line or an override is wrong
  ConfigError        1  a YAML file says something it may not
  BundleError        1  a bundle is absent, incomplete or unsafe
  DatalistError      1  the data cannot be trained on or segmented as it is
  FileError          1  a file cannot be read
  GeometryError      1  a volume cannot be placed in the patient in millimetres
  DicomError         1  a DICOM series cannot become a volume, or an object cannot be made for it
  ValidityError      1  a scan lies outside of what the model may be used on
  OutputError        1  a result cannot be written
  TrainingError      1  a training cannot go on
  InferenceError     1  a network gives nothing that could be shown
  GateError          4  a stated acceptance threshold was not met
"""

from __future__ import annotations

from collections.abc import Iterable

from medseg.core.in_words import counted

EXIT_DONE = 0
EXIT_REFUSED = 1
EXIT_USAGE = 2
EXIT_SOME_FAILED = 3
EXIT_GATE = 4
EXIT_INTERRUPTED = 130  # 128 + SIGINT, as shells count

FAULTS_SHOWN = 50  # more lines than this no one reads; the rest is counted


class MedsegError(Exception):
    """Something is wrong that the user can mend; the message says what, and how."""

    exit_code = EXIT_REFUSED


class UsageError(MedsegError):
    """The command line is wrong."""

    exit_code = EXIT_USAGE


class ConfigError(MedsegError):
    """A configuration file says something it may not."""


class BundleError(MedsegError):
    """A bundle is absent, incomplete or unsafe."""


class DatalistError(MedsegError):
    """The data cannot be used as it is."""


class FileError(MedsegError):
    """A file cannot be read."""


class GeometryError(MedsegError):
    """A volume cannot be placed in the patient in millimetres."""


class DicomError(MedsegError):
    """A DICOM series cannot become a volume, or a result object cannot be made for it.

    Attributes:
        code: A row of ``medseg.io.codes.CODES``.
    """

    def __init__(self, message: str, code: str = "dicom") -> None:
        super().__init__(message)
        self.code = code


class ValidityError(MedsegError):
    """A scan lies outside of what the model may be used on.

    Attributes:
        code: A row of ``medseg.io.codes.CODES``.
    """

    code = "outside_validity"


class OutputError(MedsegError):
    """A result cannot be written."""


class TrainingError(MedsegError):
    """A training cannot go on."""


class InferenceError(MedsegError):
    """A network gives nothing that could be shown."""


class GateError(MedsegError):
    """An acceptance threshold was not met."""

    exit_code = EXIT_GATE


def raise_faults(title: str, faults: Iterable[str], error: type[MedsegError]) -> None:
    """Raise one error that lists every fault, one a line; do nothing where there is none.

    Args:
        title: What was looked at, for example "Data '/d': 3 studies".
        faults: One sentence each, naming the file or key and its value.
        error: The class to raise.

    Raises:
        MedsegError: Of the class given, if there is at least one fault.
    """
    listed = list(faults)
    if not listed:
        return
    shown = [f"  {fault}" for fault in listed[:FAULTS_SHOWN]]
    if len(listed) > FAULTS_SHOWN:
        shown.append(f"  … and {len(listed) - FAULTS_SHOWN} more")
    raise error("\n".join([f"{title}: {counted(len(listed), 'fault')}", *shown]))
