"""Text fit for a terminal, a log line or the head of a mail: what a peer said may hold anything."""


def printable(text: str) -> str:
    """Return a text with escapes for what cannot be printed: controls, changes of direction, what is no UTF-8."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
