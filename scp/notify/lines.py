"""The log's lines about notifications."""

import structlog

from scp.ids import as_text
from scp.notify.outbox import Letter

_log = structlog.get_logger()


def delivered(channel: str, letter: Letter) -> None:
    """Log that a message arrived."""
    _log.info("notified", channel=channel, kind=letter.kind, message=as_text(letter.id), attempts=letter.attempts + 1)


def undelivered(channel: str, letter: Letter, reason: str, seconds: float) -> None:
    """Log that a message did not arrive, why, and when it is tried again."""
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
    """Log that a message was dropped, as it could not be delivered for too long."""
    _log.warning(
        "notification_dropped",
        channel=channel,
        kind=letter.kind,
        message=as_text(letter.id),
        attempts=letter.attempts,
    )


def recipients_refused(letter: Letter, number: int) -> None:
    """Log that a mail server took a message, but not for this ``number`` of its recipients."""
    _log.warning("recipients_refused", kind=letter.kind, message=as_text(letter.id), recipients=number)


def hindered(channel: str, error: str) -> None:
    """Log that a channel can do nothing for now: ledger or outbox cannot be used, or our code failed."""
    _log.warning("notifications_hindered", channel=channel, error=error)
