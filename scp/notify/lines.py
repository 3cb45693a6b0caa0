"""What the log says of notifications."""

import structlog

from scp.ids import as_text
from scp.notify.outbox import Letter

_log = structlog.get_logger()


def delivered(channel: str, letter: Letter) -> None:
    """Tell that a message arrived."""
    _log.info("notified", channel=channel, kind=letter.kind, message=as_text(letter.id), attempts=letter.attempts + 1)


def undelivered(channel: str, letter: Letter, reason: str, seconds: float) -> None:
    """Tell that a message did not arrive, why, and when it is tried again."""
    _log.warning(
        "notification_failed",
        channel=channel,
        kind=letter.kind,
        message=as_text(letter.id),
        attempts=letter.attempts + 1,
        reason=reason,
        retry_seconds=round(seconds, 1),
    )


def dropped(channel: str, letter: Letter) -> None:
    """Tell that a message could not be delivered for so long that it is no longer worth it."""
    _log.warning(
        "notification_dropped",
        channel=channel,
        kind=letter.kind,
        message=as_text(letter.id),
        attempts=letter.attempts,
    )


def recipients_refused(letter: Letter, number: int) -> None:
    """Tell that a mail server took a message, but not for all."""
    _log.warning("recipients_refused", kind=letter.kind, message=as_text(letter.id), recipients=number)


def hindered(channel: str, error: str) -> None:
    """Tell that a channel can do nothing for now: ledger or outbox cannot be used, or we made a mistake."""
    _log.warning("notifications_hindered", channel=channel, error=error)
