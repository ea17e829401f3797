"""A trained network as a file that holds its layers too: TorchScript, ONNX, or a program of torch.export."""

from __future__ import annotations

import contextlib
import logging
import math
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from medseg.core.errors import OutputError
from medseg.core.exports import Export
from medseg.core.types import Shape

INPUT, OUTPUT = "image", "pred"  # as metadata.json calls them
BATCH = 2  # of what a network is followed with: torch.export takes a batch of one for the only one there is


@dataclass(frozen=True)
class ToExport:
    """A network and what it takes.

    Attributes:
        network: In eval mode, on the CPU, in fp32; left as it is.
        channels: Of its input.
        shapes: Two spatial shapes that it takes, unlike along every axis that is free; see ``example_shapes``.
        attached: Name to text of files that a TorchScript archive holds beside the network.
    """

    network: nn.Module
    channels: int
    shapes: tuple[Shape, Shape]
    attached: Mapping[str, str] = field(default_factory=dict)

    @property
    def example(self) -> torch.Tensor:
        """Noise of the larger shape, the same each time."""
        return noise((BATCH, self.channels, *self.shapes[1]))


def noise(shape: Sequence[int]) -> torch.Tensor:
    """Numbers about 0 with deviation 1, as preprocessed images have them; the same each time."""
    return torch.randn(tuple(shape), generator=torch.Generator().manual_seed(0))


def write_export(export: Export, one: ToExport, path: Path) -> str:
    """Write a network, whole or not at all.

    Args:
        export: In which form.
        one: The network.
        path: The file. It must keep its name: a TorchScript archive and a program hold it inside as well.

    Returns:
        How it was made, for example "torch.jit.trace".

    Raises:
        OutputError: The network cannot be written in this form, or the disk does not take it.
    """
    writers = {"torchscript": _torchscript, "onnx": _onnx, "pt2": _program}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".tmp-", dir=path.parent) as folder, quietly(), torch.no_grad():
            how = writers[export](one, Path(folder) / path.name)
            (Path(folder) / path.name).replace(path)
    except OSError as error:
        raise OutputError(
            f"Cannot write '{path}': {error.strerror or error}. Free space or choose another --output."
        ) from error
    except Exception as error:  # each form has errors of its own, for layers that it does not know
        reason = " ".join(str(error).split())[:200]
        raise OutputError(f"This network cannot be written as {export}: {reason}. Leave {export} out") from error
    return how


def onnx_program(network: nn.Module, example: torch.Tensor, sizes: Mapping[int, Any]) -> Any:
    """The network as torch writes it in ONNX, its input and output named as in metadata.json.

    Args:
        network: As in ``ToExport``.
        example: What it is followed with, a batch of two or more.
        sizes: Axis of the input to its dimension, where it is not always as long as in the example.
    """
    program: Any = torch.onnx.export(
        network,
        (example,),
        dynamo=True,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=(dict(sizes),),
        verbose=False,
    )
    for node in program.model.graph:  # where each layer stands in the source files of whoever made it
        node.metadata_props.clear()
    return program


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Without what tracers and converters say on the way: what they make is checked by running it."""
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)


def _torchscript(one: ToExport, path: Path) -> str:
    try:
        how, script = "torch.jit.script", torch.jit.script(one.network)
    except Exception:  # of layers that are written in more Python than TorchScript knows, such as those of DynUNet
        how, script = "torch.jit.trace", torch.jit.trace(one.network, one.example, check_trace=False)
    own = path.with_name("own") / path.name
    own.parent.mkdir()
    torch.jit.save(script, str(own), _extra_files={name: text.encode() for name, text in one.attached.items()})
    _without_sources(own, path)
    return how


def _without_sources(archive: Path, path: Path) -> None:
    """Leave out which line of which source file each layer came from: paths of whoever made it, for debuggers alone."""
    with zipfile.ZipFile(archive) as made, zipfile.ZipFile(path, "w") as plain:
        for entry in made.infolist():
            if not entry.filename.endswith(".debug_pkl"):
                plain.writestr(zipfile.ZipInfo(entry.filename), made.read(entry))


def _onnx(one: ToExport, path: Path) -> str:
    _with_sizes(one, lambda sizes: onnx_program(one.network, one.example, sizes)).save(str(path))
    return "torch.onnx.export"


def _program(one: ToExport, path: Path) -> str:
    def follow(sizes: Mapping[int, Any]) -> torch.export.ExportedProgram:
        return torch.export.export(one.network, (one.example,), dynamic_shapes=(dict(sizes),))

    program = _with_sizes(one, follow)
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)
    torch.export.save(program, str(path))
    return "torch.export.export"


def _with_sizes(one: ToExport, follow: Callable[[Mapping[int, Any]], Any]) -> Any:
    """By the sizes that are declared; where the network says more of them, such as that two are equal, by its own."""
    try:
        return follow(_declared(one.shapes))
    except Exception:
        free = {axis: torch.export.Dim.AUTO for axis in _declared(one.shapes)}
        return follow(free)


def _declared(shapes: tuple[Shape, Shape]) -> dict[int, Any]:
    """Of the batch, and of each free axis in steps of the largest number that divides both sizes."""
    sizes: dict[int, Any] = {0: torch.export.Dim("batch")}
    for n, (small, large) in enumerate(zip(*shapes, strict=True)):
        if small != large:
            step, side = math.gcd(small, large), torch.export.Dim(f"n{n}")
            sizes[n + 2] = side if step == 1 else step * side
    return sizes
