"""The rules, one module per family. A code is for ever: never reused, never renumbered."""
