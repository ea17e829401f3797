"""What a user asks of a package, and whatever is wrong with that before anything long begins."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from medseg.bundle.pack import ZIP
from medseg.bundle.trust import NOTHING_SAID, Trust
from medseg.core.errors import UsageError, raise_faults
from medseg.core.extras import lack
from medseg.runs.tracking_uri import checked_uri

QUANTIZATIONS = ("int8",)


@dataclass(frozen=True)
class PackageRequest:
    """What to package, and what goes with it.

    Attributes:
        run: Folder of a run; or name or folder of a bundle with weights.
        output: Zip or folder to write; must not exist.
        exports: Of ``medseg.core.exports.EXPORTS``, what to write the network as.
        quantize: Of ``QUANTIZATIONS``; None for none.
        calibrate: Studies that a quantized network is calibrated on.
        sign: File of the secret key that signs; None leaves the package unsigned.
        evaluation: Folder of an evaluation of this very model; says how good it is.
        data: What the model was trained on; None takes what the run's record names.
        data_licence: Text file with the terms of that data; None says what is known.
        limits: A validity.json, reviewed and perhaps edited, to take as it is; None measures one.
        golden: A small scan that may be given away; None draws one.
        golden_licence: Under which it may be.
        version: Of the package; None takes it from the name of the output, or the bundle's own.
        change: What is new in it, a line of its changelog.
        intended_use: What it may be used for, by the word of whoever packages it; None says research.
        gallery: Whether pictures of the worst studies go into the card.
        tracking: Whether an MLflow that knows the run gets the package; None: if the run was tracked.
        tracking_uri: Address of that MLflow; None takes that of the training.
        trust: Who must have signed what is packaged.
    """

    run: str
    output: Path
    exports: tuple[str, ...] = ()
    quantize: str | None = None
    calibrate: Path | None = None
    sign: Path | None = None
    evaluation: Path | None = None
    data: Path | None = None
    data_licence: Path | None = None
    limits: Path | None = None
    golden: Path | None = None
    golden_licence: str = ""
    version: str | None = None
    change: str = ""
    intended_use: str | None = None
    gallery: bool = True
    tracking: bool = True
    tracking_uri: str | None = None
    trust: Trust = NOTHING_SAID


def check_request(request: PackageRequest) -> None:
    """Refuse what cannot be done, all of it at once.

    Raises:
        UsageError: Something cannot.
    """
    raise_faults("package", _faults(request), UsageError)


def _faults(request: PackageRequest) -> Iterator[str]:
    yield from _output_faults(request.output)
    if (request.quantize is None) != (request.calibrate is None):
        yield "--quantize and --calibrate stand together: a quantized network is calibrated on studies"
    if request.golden_licence and request.golden is None:
        yield "--golden-licence is that of a scan given with --golden"
    if request.golden is not None and not request.golden_licence:
        yield "--golden needs --golden-licence: everyone who gets the package gets that scan"
    # os.path, not Path: it answers False where a name is too long.
    for option, path in {"calibrate": request.calibrate, "data": request.data, "golden": request.golden}.items():
        if path is not None and not os.path.exists(path):
            yield f"--{option} '{path}' does not exist"
    for option, path in {"data-licence": request.data_licence, "limits": request.limits, "sign": request.sign}.items():
        if path is not None and not os.path.isfile(path):
            yield f"--{option} '{path}' {'is no file' if os.path.exists(path) else 'does not exist'}"
    if request.evaluation is not None and not os.path.isdir(request.evaluation):
        yield f"--evaluation '{request.evaluation}' is no folder of an evaluation"
    if request.data_licence is not None and os.path.isfile(request.data_licence):
        yield from _text_faults(request.data_licence)
    if request.tracking and request.tracking_uri is not None:
        yield from _uri_faults(request.tracking_uri)
    yield from _not_installed(request)


def _output_faults(output: Path) -> Iterator[str]:
    if os.path.lexists(output):
        yield f"--output '{output}' exists; a package that was handed on does not change: give it a new version"
    ending = output.suffix.lower()
    if ending not in ("", ZIP) and not ending[1].isdigit():  # a version may end the name of a folder: 1.2.0-rc1
        yield f"--output '{output}' ends in {ending}; a package is a {ZIP} or a folder"
    there = next((folder for folder in output.absolute().parents if os.path.lexists(folder)), None)
    if there is not None and not (os.path.isdir(there) and os.access(there, os.W_OK | os.X_OK)):
        yield f"--output '{output}' cannot be written: '{there}' is no folder that you may write into; choose another"


def _text_faults(path: Path) -> Iterator[str]:
    try:
        path.read_text(encoding="utf-8")
    except OSError as error:
        yield f"--data-licence '{path}' cannot be read: {error.strerror}"
    except UnicodeDecodeError:
        yield f"--data-licence '{path}' is no text in UTF-8; save it as plain text"


def _uri_faults(uri: str) -> Iterator[str]:
    try:
        checked_uri(uri, "--tracking-uri")
    except UsageError as error:
        yield str(error)


def _not_installed(request: PackageRequest) -> Iterator[str]:
    wanted: dict[str, tuple[str, ...]] = {"a bill of materials": ("package",)}
    if request.quantize is not None:
        wanted["--quantize int8"] = ("onnx", "openvino")
    elif "onnx" in request.exports:
        wanted["--export onnx"] = ("onnx",)
    yield from filter(None, (lack(what, *extras) for what, extras in wanted.items()))
