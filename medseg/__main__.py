"""`python -m medseg VERB …`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from medseg.cli import dispatch


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb; gives its exit code."""
    return dispatch(sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    sys.exit(main())
