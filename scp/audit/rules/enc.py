"""ENC: how the Data Set is encoded. :mod:`scp.dicom.walk` finds the defects; these rules say what they mean."""

from typing import Final

from scp.audit.finding import Answer, Outcome, Problem, Severity
from scp.audit.rule import Subject, grades, instance_rule
from scp.dicom import tags as t
from scp.dicom.defect import DefectKind
from scp.dicom.status import Status

CUT_SHORT: Final = frozenset({DefectKind.TRUNCATED})
MALFORMED: Final = frozenset(
    {
        DefectKind.OVERRUN, DefectKind.MISSING_DELIMITER, DefectKind.BAD_DELIMITER, DefectKind.BAD_ITEM,
        DefectKind.BAD_VR, DefectKind.UNDEFINED_LENGTH, DefectKind.TRAILING, DefectKind.NOT_INFLATABLE,
    }
)  # fmt: skip
OVER_LIMIT: Final = frozenset({DefectKind.TOO_DEEP, DefectKind.TOO_MANY_ELEMENTS, DefectKind.INFLATES_TOO_LARGE})


def _defect(subject: Subject, kinds: frozenset[DefectKind]) -> Outcome:
    """Report the defect that ended the walk if it is of these kinds; after any other, the rule is not applicable."""
    defect = subject.facts.defect
    if defect is None:
        return Answer.PASS
    if defect.kind not in kinds:
        return Answer.NOT_APPLICABLE
    read = bool(subject.facts.uids)  # not so if the bytes follow a deflated stream: then nothing was read
    return Problem(
        str(defect),
        tags=() if defect.tag is None else (defect.tag,),
        case="trailing" if defect.kind is DefectKind.TRAILING and read else "",
    )


@instance_rule("ENC-001", grades(Severity.REFUSE, Severity.REFUSE), Status.DATA_SET_TRUNCATED, reference="PS3.5 §7.1")
def data_set_cut_short(subject: Subject) -> Outcome:
    """The Data Set is cut short.

    Checks: that the bytes do not end inside an element, an Item, a fragment or a delimiter. The finding names the
    element and the first byte that could not be accounted for.

    Why: something is lost, usually pixels at the end of the image. Most software shows the rest without a warning.

    Exceptions: none. A Data Set that ends between two elements looks complete; other rules notice the attributes that
    it lacks.

    What to do: send the instance again from its source. It was copied or written incompletely at the sender: disk full,
    transfer interrupted, or sent while it was still being written. If the finding is at byte 0 of every instance,
    nothing is cut off: the sender encodes in another byte order than its Transfer Syntax has.

    Evidence: 0 of 259 instances of the corpus (11 real series: GE, Siemens, Philips). Of pydicom's 166 test files
    three: `MR_truncated` and `rtplan_truncated`, which were cut on purpose, and `DICOMDIR-nooffset`, of which elements
    were removed without correcting the length of the Sequence around them.
    """
    return _defect(subject, CUT_SHORT)


@instance_rule(
    "ENC-002",
    grades(Severity.REFUSE, Severity.REFUSE, trailing=(Severity.WARN, Severity.REFUSE)),
    Status.DATA_SET_MALFORMED,
    reference="PS3.5 §7, §A.4, §A.5",
)
def data_set_malformed(subject: Subject) -> Outcome:
    """The Data Set is not encoded as its Transfer Syntax says.

    Checks: that every element header has a readable VR, no length exceeds what contains it, Items and delimiters are
    where they belong, undefined lengths occur only where the standard allows them, nothing follows the last element,
    and a deflated Data Set can be inflated. The finding names the fault, the element and the first byte that could not
    be accounted for.

    Why: from that byte on, each reader reads something else, or nothing. Such an instance opens in one viewer and is
    missing in the next.

    Exceptions: deviations that can be read in only one way are accepted: unknown VRs, delimiters with a length, private
    elements left in implicit VR. The case `trailing` is NUL bytes after the last element: all elements could be read,
    so nothing is lost.

    What to do: if all instances of a sender fail at their first bytes, it sends in another Transfer Syntax than it
    negotiated: correct its Presentation Contexts. Otherwise the fault lies with the program that last wrote the object:
    report it to its maker.

    Evidence: 0 of 259 instances of real series. Of pydicom's 166 test files one: `SC_rgb_jpeg`, encoded in implicit VR
    although its Transfer Syntax is JPEG Baseline, whose Data Sets have explicit VRs.
    """
    return _defect(subject, MALFORMED)


@instance_rule("ENC-003", grades(Severity.REFUSE, Severity.REFUSE), Status.DATA_SET_OVER_LIMIT, reference="–")
def data_set_over_limit(subject: Subject) -> Outcome:
    """The Data Set exceeds a structural limit of this node.

    Checks: that the nesting depth of Sequences, the number of elements and Items, the number of fragments, and the size
    after inflating stay within the limits. The size of the received object has a limit of its own, which applies while
    it is received.

    Why: some objects are made to crash their readers: with ten thousand nested Sequences, or with a small deflated
    stream that inflates to gigabytes. This node stops reading at the limit, and does not store what it has not read.

    Exceptions: none. The limits leave room for images of many frames that have a hundred elements or more for each
    frame: functional MRI of 8,000 frames, or slides of 60,000 tiles that are listed one by one.

    What to do: look at the object in quarantine. If it is genuine, please report it; the limit may be raised
    (`limits.elements`): each element takes 200 bytes of memory while an object is read.

    Evidence: 0 of 259 instances of real series and 0 of pydicom's 166 test files. The largest numbers among them: 1,484
    elements and Items, 5 nested Sequences, 31 fragments.
    """
    return _defect(subject, OVER_LIMIT)


@instance_rule("ENC-004", grades(Severity.WARN, Severity.REFUSE), Status.ELEMENTS_UNORDERED, reference="PS3.5 §7.1")
def elements_unordered(subject: Subject) -> Outcome:
    """Elements are out of order or repeated.

    Checks: that at the top level each tag is greater than the one before it. The finding names the first that is not.
    If an element is repeated, the other rules look at its last occurrence.

    Why: readers that stop at the first greater tag do not find the elements after it. If a tag occurs twice, some
    readers take the first and others the last, so the same bytes have two meanings.

    Exceptions: none.

    What to do: report it to the maker of the program that last wrote the object: it inserts elements at the wrong
    place.
    """
    tag = subject.facts.unordered
    if tag is None:
        return Answer.PASS
    return Problem(f"not in ascending order from {t.name_of(tag)[:11]}", tags=(tag,))


RULES: Final = (data_set_cut_short, data_set_malformed, data_set_over_limit, elements_unordered)
