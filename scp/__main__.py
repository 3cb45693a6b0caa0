"""``python -m scp`` is the command ``auditscp``."""

import sys
from typing import Final

_INTERRUPTED: Final = 130
"""Exit code after Ctrl-C, as in shells (128 + SIGINT)."""


def main() -> None:
    """Run the command; Ctrl-C ends it without a traceback, even while modules are still being imported."""
    try:
        from scp.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
