"""Text for people: escapes for what cannot be printed, and amounts in words."""


def printable(text: str) -> str:
    """Return a text with escapes for what cannot be printed: controls, changes of direction, invalid UTF-8."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def is_text(text: str) -> bool:
    """Whether a text can be written: the name of a file, and an argument of a command, may be any bytes (PEP 383)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def count(amount: int, thing: str, things: str = "") -> str:
    """Write an amount of things: ``1 slice``, ``3 slices``; ``things`` is the plural if it is not just with an "s"."""
    return f"{amount} {thing if amount == 1 else things or thing + 's'}"
