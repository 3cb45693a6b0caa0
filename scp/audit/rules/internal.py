"""INT: what we find out about ourselves."""

from scp.audit.finding import Answer, Outcome, Severity
from scp.audit.rule import Subject, grades, instance_rule
from scp.dicom.status import Status


@instance_rule(
    "INT-001",
    grades(Severity.WARN, Severity.WARN),
    Status.NOT_JUDGED,
    kinds=frozenset(),
    applies="–",
    reference="–",
)
def rule_failed(subject: Subject) -> Outcome:  # noqa: ARG001 - reported by the engine, never by looking
    """A rule failed on this instance.

    Checks: whether every rule came to an answer. This finding is a fault of this software, not of the instance.

    Why: an auditor that loses an instance because of its own mistake is worse than one that misses a finding. The
    instance is stored as if the rule had passed; the finding and the log name the rule.

    Exceptions: an object whose SOP Instance UID is stored with other bytes is refused, because it has no place.

    What to do: report it, with the rule's code and the error type from the log line. The instance itself is safe.
    """
    return Answer.NOT_APPLICABLE
