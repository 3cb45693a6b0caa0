"""HTML from templates. All values are escaped, and characters that cannot be printed are shown as escapes."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse

from scp.printable import printable
from scp.version import __version__

_UNITS: Final = ("B", "kB", "MB", "GB", "TB", "PB")
_THOUSAND: Final = 1000
_TEN: Final = 10
STATIC: Final = files("scp.console") / "static"
ASSETS: Final[Mapping[str, str]] = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


def displayable(value: object) -> object:
    """Return a text with escapes for what cannot be printed; anything that is not text, or is markup, unchanged."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def size(number: float) -> str:
    """Write a number of bytes: ``524 kB``."""
    scaled = float(number)
    for unit in _UNITS[:-1]:
        if scaled < _THOUSAND:
            return f"{scaled:.0f} {unit}" if unit == "B" or scaled >= _TEN else f"{scaled:.1f} {unit}"
        scaled /= _THOUSAND
    return f"{scaled:.1f} {_UNITS[-1]}"


def count(number: int) -> str:
    """Write a number; from 10,000 on with thin spaces between thousands."""
    return f"{number:,}".replace(",", "\u202f") if abs(number) >= _THOUSAND * _TEN else str(number)


def when(text: str) -> Markup:
    """Write a time of RFC 3339 as a ``time`` element, which our script turns into local time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return escape(printable(text))
    return Markup('<time datetime="{}">{}</time>').format(text, f"{moment:%Y-%m-%d %H:%M:%S} UTC")


def seconds(number: float) -> str:
    """Write a duration: ``3 s``, ``4 min``, ``2 h``."""
    if number < 60:
        return f"{number:.0f} s"
    minutes = number / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.1f} h"


def short_uid(uid: str) -> str:
    """Return the end of a UID, which is what differs between UIDs of one source."""
    keep = 18
    return uid if len(uid) <= keep else f"…{uid[-keep:]}"


def percent(part: float, whole: float) -> str:
    """Write the share of a part in a whole: ``0.4 %``."""
    return f"{100 * part / whole:.1f} %" if whole else "–"


def marked(text: object, beside: object) -> Markup:
    """Mark where a value differs from the one beside it: all but the beginning and end that both share."""
    one, two = printable(str(text)), printable(str(beside))
    start = next((index for index, pair in enumerate(zip(one, two, strict=False)) if pair[0] != pair[1]), None)
    if start is None:
        start = min(len(one), len(two))
    most = min(len(one), len(two)) - start
    end = next((index for index in range(most) if one[-1 - index] != two[-1 - index]), most)
    stop = len(one) - end
    return (
        Markup("{}<mark>{}</mark>{}").format(one[:start], one[start:stop], one[stop:]) if stop > start else escape(one)
    )


@cache
def asset_version(name: str) -> str:
    """Return a text that changes whenever an asset does, so that browsers can keep assets for ever."""
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """Return the address of an asset."""
    return f"/static/{asset_version(name)}/{name}"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("scp.console"), autoescape=True, undefined=StrictUndefined, auto_reload=False,
        trim_blocks=True, lstrip_blocks=True, finalize=displayable,
    )  # fmt: skip
    environment.filters |= {
        "size": size, "count": count, "when": when, "seconds": seconds, "short_uid": short_uid, "marked": marked,
        "path": lambda text: quote(str(text), safe=""),
    }  # fmt: skip
    environment.globals |= {"asset": asset, "percent": percent, "version": __version__}
    return environment


_ENVIRONMENT: Final = _environment()


def render(template: str, **values: Any) -> str:
    """Return a template filled with values."""
    return _ENVIRONMENT.get_template(template).render(values)


def html(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page."""
    return HTMLResponse(render(template, **values), status)
