"""INT: faults of this software."""

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

    Checks: that every rule came to an answer. This finding is a fault of this software, not of the instance.

    Why: to lose an instance through an error of this software would be worse than to miss a finding. The instance is
    stored as if the rule had found nothing; the finding and the log name the rule.

    Exceptions: an object whose SOP Instance UID is stored with other bytes is refused, because it cannot be stored.

    What to do: report it, with the rule's code and the type of the error from the log. The instance itself is safe.
    """
    return Answer.NOT_APPLICABLE
