"""What is wrong with a bundle's weights, as far as it can be told without loading them, and without torch."""

from __future__ import annotations

from medseg.bundle.archives import archive_of
from medseg.bundle.contents import Contents
from medseg.bundle.inspection_verdict import weight_faults
from medseg.bundle.read import WEIGHTS


def weights_file_faults(contents: Contents) -> list[str]:
    """Why torch would refuse the weights of a bundle, one sentence each; empty where there is nothing to refuse.

    Args:
        contents: The bundle.

    Raises:
        BundleError: The file cannot be read.
    """
    name = WEIGHTS.as_posix()
    if name not in contents.names:
        return []
    with contents.stream(name) as stream:
        archive = archive_of(stream, name)
    return [f"{name}: holds no weights of torch"] if archive is None else weight_faults({name: archive})
