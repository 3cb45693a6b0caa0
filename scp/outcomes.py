"""What became of requests and associations: the words that ledger, log and pages share."""

from enum import StrEnum


class Outcome(StrEnum):
    """What became of a request: one of the four decisions, or ABORTED because it never was complete."""

    ACCEPT = "accept"
    WARN = "warn"
    REFUSE = "refuse"
    RETRY = "retry"
    ABORTED = "aborted"


class Ending(StrEnum):
    """How an association ended."""

    RELEASED = "released"
    ABORTED = "aborted"  # by the peer
    LOST = "lost"  # the connection broke
    TIMEOUT = "timeout"  # we aborted an idle peer
    SHUTDOWN = "shutdown"  # we aborted at the end of draining
    FAULT = "fault"  # the peer broke the protocol, or we failed
