"""``python -m scp`` is the command ``auditscp``."""

import sys
from typing import Final

_INTERRUPTED: Final = 130
"""Exit code of what Ctrl-C ended, as shells have it (128 + SIGINT)."""


def main() -> None:
    """Run the command; Ctrl-C ends it without a word, also while its parts are still being loaded."""
    try:
        from scp.cli.app import main as run

        run()
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)


if __name__ == "__main__":
    main()
