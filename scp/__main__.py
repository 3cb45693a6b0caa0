"""``python -m scp`` is the command ``auditscp``."""

from scp.cli.app import main

if __name__ == "__main__":
    main()
