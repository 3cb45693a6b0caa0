"""What all tests share: hypothesis is patient with slow machines, and says the same twice where CI runs it."""

import os

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable" if os.environ.get("CI") else "unhurried")
