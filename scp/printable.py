"""Text fit for people: what a peer said, which may hold anything, and how many there are of something."""


def printable(text: str) -> str:
    """Return a text with escapes for what cannot be printed: controls, changes of direction, what is no UTF-8."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def count(amount: int, thing: str, things: str = "") -> str:
    """Write an amount of things: ``1 slice``, ``3 slices``; ``things`` is the plural if it takes more than an "s"."""
    return f"{amount} {thing if amount == 1 else things or thing + 's'}"
