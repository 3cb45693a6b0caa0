"""The attributes that the instances of one series, or of one study, must share.

Personal values are compared as fingerprints, so that the ledger can tell that two names differ without containing
either. A fingerprint is a keyed BLAKE2b; its key is made once for each ledger.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from operator import attrgetter
from typing import Final, NamedTuple
from unicodedata import normalize

from scp.audit.finding import shown_uid
from scp.dicom import tags as t
from scp.dicom.facts import Decimals, Facts
from scp.dicom.image_type import is_derived
from scp.dicom.sop_classes import PLANES, Kind
from scp.dicom.values import Malformed


def folded_name(name: str) -> str:
    """Return a Person Name as it is compared (PS3.5 §6.2.1): without case, carets and empty groups at the end."""
    written = name.casefold() if name.isascii() else _in_one_form(name)
    groups = (" ".join(group.replace("^", " ").split()) for group in written.split("="))
    return "=".join(groups).rstrip("=")


def _in_one_form(name: str) -> str:
    """Return a name without case and in one Unicode form (Unicode, chapter 3, D147).

    Some systems write an accent as a character of its own, or katakana in half width.
    """
    folded = normalize("NFKC", normalize("NFD", name).casefold())
    return normalize("NFKC", folded.casefold())


def comparable(name: str, value: str) -> str:
    """Return a value as it is compared, given its attribute's name: those of equipment without case."""
    return value.casefold() if name in _CASELESS else value


def _written_in(group: int) -> Callable[[Facts], str]:
    """Return the reader of a component group of the patient's name (PS3.5 §6.2.1): alphabetic, ideographic, phonetic.

    Equipment that cannot write the last two leaves them out, which contradicts nothing.
    """
    return lambda facts: "".join(folded_name(facts.patient_name).split("=")[group : group + 1])


def fingerprint(key: bytes, text: str) -> str:
    """Return 24 hexadecimal digits that stand for ``text`` under ``key``."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12, key=key).hexdigest()


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute that is kept of a series or a study, and how it is read from the facts."""

    tag: int
    personal: bool
    read: Callable[[Facts], str]


def _uid(text: str) -> str:
    """Return a UID to compare, or nothing if it is not one (UID-002 and UID-003 report that)."""
    return shown_uid(text) or ""


def _number(text: str) -> str:
    """Return a number to compare, or nothing if it is not one: other text might be personal."""
    return text if set(text) <= _NUMERIC else ""


def _date(text: str) -> str:
    """Return a date as DICOM writes it; some old equipment writes 1970.01.01, as in ACR-NEMA (PS3.5 §6.2)."""
    return text.replace(".", "")


_NUMERIC: Final = frozenset("0123456789+-.e")
_CASELESS: Final = frozenset({"manufacturer", "manufacturer_model_name", "station_name"})
PATIENT: Final = "patient"
FRAME: Final = "frame_of_reference_uid"
_LONGEST: Final = 64
"""Characters kept of a value that is not personal: what its VR allows at most."""

STUDY: Final[Mapping[str, Attribute]] = {
    PATIENT: Attribute(t.PATIENT_ID, True, lambda facts: facts.patient_id),
    # Apart from the ID, because many systems leave it out: it counts only where both name it.
    "issuer_of_patient_id": Attribute(t.ISSUER_OF_PATIENT_ID, True, lambda facts: facts.issuer_of_patient_id),
    "patient_name": Attribute(t.PATIENT_NAME, True, _written_in(0)),
    "patient_name_ideographic": Attribute(t.PATIENT_NAME, True, _written_in(1)),
    "patient_name_phonetic": Attribute(t.PATIENT_NAME, True, _written_in(2)),
    "patient_birth_date": Attribute(t.PATIENT_BIRTH_DATE, True, lambda facts: _date(facts.patient_birth_date)),
    "patient_sex": Attribute(t.PATIENT_SEX, True, lambda facts: facts.patient_sex.upper()),
    "study_date": Attribute(t.STUDY_DATE, True, lambda facts: _date(facts.study_date)),
    "study_time": Attribute(t.STUDY_TIME, True, lambda facts: facts.study_time),
    "study_id": Attribute(t.STUDY_ID, True, lambda facts: facts.study_id),
    "accession_number": Attribute(t.ACCESSION_NUMBER, True, lambda facts: facts.accession_number),
    "study_description": Attribute(t.STUDY_DESCRIPTION, True, lambda facts: facts.study_description),
}
SERIES: Final[Mapping[str, Attribute]] = {
    "modality": Attribute(t.MODALITY, False, lambda facts: facts.modality),
    FRAME: Attribute(t.FRAME_OF_REFERENCE_UID, False, lambda facts: _uid(facts.frame_of_reference_uid)),
    "sop_class_uid": Attribute(t.SOP_CLASS_UID, False, lambda facts: _uid(facts.sop_class_uid)),
    "series_number": Attribute(t.SERIES_NUMBER, False, lambda facts: _number(facts.series_number)),
    "laterality": Attribute(t.LATERALITY, False, lambda facts: facts.laterality),
    "patient_position": Attribute(t.PATIENT_POSITION, False, lambda facts: facts.patient_position),
    "series_date": Attribute(t.SERIES_DATE, True, lambda facts: _date(facts.series_date)),
    "series_time": Attribute(t.SERIES_TIME, True, lambda facts: facts.series_time),
    "series_description": Attribute(t.SERIES_DESCRIPTION, True, lambda facts: facts.series_description),
    "protocol_name": Attribute(t.PROTOCOL_NAME, True, lambda facts: facts.protocol_name),
    "performing_physician_name": Attribute(
        t.PERFORMING_PHYSICIAN_NAME, True, lambda facts: folded_name(facts.performing_physician_name)
    ),
    "operators_name": Attribute(t.OPERATORS_NAME, True, lambda facts: folded_name(facts.operators_name)),
    "body_part_examined": Attribute(t.BODY_PART_EXAMINED, False, lambda facts: facts.body_part_examined),
    "manufacturer": Attribute(t.MANUFACTURER, False, lambda facts: facts.manufacturer),
    "manufacturer_model_name": Attribute(t.MANUFACTURER_MODEL_NAME, False, lambda facts: facts.manufacturer_model_name),
    "device_serial_number": Attribute(t.DEVICE_SERIAL_NUMBER, False, lambda facts: facts.device_serial_number),
    "station_name": Attribute(t.STATION_NAME, False, lambda facts: facts.station_name),
}

_ALL: Final = {**STUDY, **SERIES}
_PARTS: Final = frozenset({PATIENT, "patient_name_ideographic", "patient_name_phonetic"})
"""Those whose name is not that of the fact that they are read from."""
COUNTED: Final = (
    PATIENT, "patient_name", "patient_name_ideographic", "patient_birth_date", "patient_sex", "accession_number",
    "modality", "frame_of_reference_uid", "sop_class_uid", "series_number", "laterality", "patient_position",
    "manufacturer", "device_serial_number",
)  # fmt: skip
"""Attributes whose values are counted in each series, so that a first instance that differs from most is noticed."""


class Tracked(NamedTuple):
    """The compared values of one instance: those that are not empty, the personal ones as fingerprints.

    Attributes:
        study: values of the study, by name (:data:`STUDY`).
        series: values of the series, by name (:data:`SERIES`).
        stack: digest of SOP Class and Image Type: what makes a stack within a series.
        acquisition: digest of the same and of Acquisition Number.
        parallel: digest of the stack and the direction of a slice of MR or of a derived one; empty for others.
            Localizers and reformats in several planes are one stack each in this way.
        slot: digest of the acquisition and all values that may legitimately repeat a position or an Instance Number.
        place: digest of the image plane; empty if there is none.
        moment: fingerprint of the time at which a slice was acquired; empty for others. Each slice has another, so it
            only distinguishes images at one place.
        counted: the values of :data:`COUNTED`, by name.
        variant: digest of ``counted``.
    """

    study: Mapping[str, str]
    series: Mapping[str, str]
    stack: str
    acquisition: str
    parallel: str
    slot: str
    place: str
    moment: str
    counted: Mapping[str, str]
    variant: str

    @property
    def stacks(self) -> tuple[str, ...]:
        """The digests of the stacks that the instance belongs to."""
        return tuple(filter(None, (self.stack, self.acquisition, self.parallel)))


_SLOT: Final = (
    "echo_numbers", "echo_time", "temporal_position_identifier", "diffusion_b_value", "diffusion_gradient_orientation",
    "temporal_position_index", "temporal_position_time_offset", "trigger_time", "nominal_percentage_of_cardiac_phase",
    "nominal_cardiac_trigger_delay_time", "nominal_percentage_of_respiratory_phase", "starting_respiratory_phase",
    "velocity_encoding_direction", "sequence_name", "flip_angle", "inversion_time", "repetition_time",
    "complex_image_component", "receive_coil_name", "convolution_kernel", "kvp", "concatenation_uid", "image_index",
)  # fmt: skip
_SLOT_VALUES: Final = attrgetter(*_SLOT)

FACTS: Final = frozenset(("image_type", "acquisition_number", *_SLOT, "patient_id", *(_ALL.keys() - _PARTS)))
"""The facts that compared values are made of, except those of plane and time, which differ in every slice."""


def tracked(facts: Facts, key: bytes, before: Tracked | None = None) -> Tracked:
    """Return the compared values of an instance; ``key`` is the fingerprint key of the ledger.

    ``before`` are those of another instance of which all :data:`FACTS` are the same.
    """
    place, moment = _place(facts), _moment(facts, key)
    if before:
        return Tracked(
            before.study, before.series, before.stack, before.acquisition, _parallel(facts, before.stack), before.slot,
            place, moment, before.counted, before.variant,
        )  # fmt: skip
    stack = "\n".join((facts.sop_class_uid, *facts.image_type))
    acquisition = f"{stack}\n{facts.acquisition_number}"
    slot = "\n".join((acquisition, *_SLOT_VALUES(facts)))
    study, series, counted, variant = _shared(key, tuple(attribute.read(facts) for attribute in _ALL.values()))
    return Tracked(
        study=study,
        series=series,
        stack=_digest(stack),
        acquisition=_digest(acquisition),
        parallel=_parallel(facts, _digest(stack)),
        slot=_digest(slot),
        place=place,
        moment=moment,
        counted=counted,
        variant=variant,
    )


def variant_of(counted: Mapping[str, str]) -> str:
    """Return the digest of a combination of values of :data:`COUNTED`."""
    return _digest(repr(sorted(counted.items())))


@lru_cache(maxsize=1024)
def _shared(key: bytes, values: tuple[str, ...]) -> tuple[Mapping[str, str], Mapping[str, str], Mapping[str, str], str]:
    """Return what is kept of study and series, and what is counted. Cached: most slices of a series have the same."""
    kept = {
        name: fingerprint(key, value) if attribute.personal else value[:_LONGEST]
        for (name, attribute), value in zip(_ALL.items(), values, strict=True)
        if value
    }
    study, series, counted = (
        {name: kept[name] for name in names if name in kept} for names in (STUDY, SERIES, COUNTED)
    )
    return study, series, counted, variant_of(counted)


_ROUGHLY: Final = 20
"""Directions are rounded to twentieths of a cosine: parallel slices differ by far less."""
_LONG: Final = 2.0
"""Numbers above this are not cosines (GEO-103)."""


def _parallel(facts: Facts, stack: str) -> str:
    """Return the digest of the stack and direction of a slice of MR, or of a derived one; empty for others."""
    if facts.kind not in PLANES or not (facts.kind is Kind.MR or is_derived(facts.image_type)):
        return ""
    direction = _direction(facts.image_orientation)
    return direction and _digest(f"{stack}\n{direction}")


@lru_cache(maxsize=32)  # few, as a hostile one may be long
def _direction(cosines: Decimals) -> str:
    """Return a rounded direction; empty if there is none."""
    if isinstance(cosines, Malformed) or len(cosines) != 6 or not 0 < max(map(abs, cosines)) <= _LONG:
        return ""
    return repr([round(_ROUGHLY * one) for one in cosines])


def _moment(facts: Facts, key: bytes) -> str:
    """Return the fingerprint of the time of acquisition; 1012, 101200 and 101200.0 are the same."""
    if facts.kind not in PLANES:
        return ""
    times = facts.acquisition_date, facts.acquisition_time.rstrip("0."), facts.acquisition_datetime.rstrip("0.")
    return fingerprint(key, "\n".join(times)) if any(times) else ""


_unsigned_zero: Final = (0.0).__add__
"""Makes 0 of -0, and leaves other numbers as they are."""


def _place(facts: Facts) -> str:
    """Return the digest of the image plane; however numbers are written, 0 and -0 included, equal ones give the same.

    If all direction cosines are zero, there is no plane: pages are written so.
    """
    if isinstance(facts.image_position, Malformed) or not facts.image_position:
        return ""
    if isinstance(facts.image_orientation, tuple) and facts.image_orientation and not any(facts.image_orientation):
        return ""
    return _digest_of(f"[{_plain(facts.image_position)}, {_shared_plain(facts.image_orientation)}]")


def _plain(numbers: Decimals) -> str:
    return repr(numbers if isinstance(numbers, Malformed) else list(map(_unsigned_zero, numbers)))


_shared_plain = lru_cache(maxsize=32)(_plain)  # few, as a hostile one may be long


def _digest_of(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


_digest = lru_cache(maxsize=1024)(_digest_of)
