"""The attributes that are corrected after an acquisition: those of the patient, the study and the order.

HL7 updates, merged patients, reconciled worklists and migrations change these in a copy of an instance without making
it another image, because their values do not come from the equipment. Each is an attribute of the top level; a Sequence
includes everything in it. The Study Instance UID is not among them: a copy with another one belongs to another study.
"""

from typing import Final

PATIENT: Final = frozenset(
    {
        0x00081120,  # Referenced Patient Sequence
        0x00100010,  # Patient's Name
        0x00100020,  # Patient ID
        0x00100021,  # Issuer of Patient ID
        0x00100022,  # Type of Patient ID
        0x00100024,  # Issuer of Patient ID Qualifiers Sequence
        0x00100026,  # Source Patient Group Identification Sequence
        0x00100027,  # Group of Patients Identification Sequence
        0x00100030,  # Patient's Birth Date
        0x00100032,  # Patient's Birth Time
        0x00100033,  # Patient's Birth Date in Alternative Calendar
        0x00100034,  # Patient's Death Date in Alternative Calendar
        0x00100035,  # Patient's Alternative Calendar
        0x00100040,  # Patient's Sex
        0x00100200,  # Quality Control Subject
        0x00100212,  # Strain Description
        0x00100213,  # Strain Nomenclature
        0x00100216,  # Strain Stock Sequence
        0x00100218,  # Strain Additional Information
        0x00100219,  # Strain Code Sequence
        0x00100221,  # Genetic Modifications Sequence
        0x00101000,  # Other Patient IDs (retired)
        0x00101001,  # Other Patient Names
        0x00101002,  # Other Patient IDs Sequence
        0x00101005,  # Patient's Birth Name
        0x00101040,  # Patient's Address
        0x00101060,  # Patient's Mother's Birth Name
        0x00101100,  # Referenced Patient Photo Sequence
        0x00102154,  # Patient's Telephone Numbers
        0x00102155,  # Patient's Telecom Information
        0x00102160,  # Ethnic Group
        0x00102161,  # Ethnic Group Code Sequence
        0x00102162,  # Ethnic Groups
        0x00102201,  # Patient Species Description
        0x00102202,  # Patient Species Code Sequence
        0x00102292,  # Patient Breed Description
        0x00102293,  # Patient Breed Code Sequence
        0x00102294,  # Breed Registration Sequence
        0x00102297,  # Responsible Person
        0x00102298,  # Responsible Person Role
        0x00102299,  # Responsible Organization
        0x00104000,  # Patient Comments
        0x00120062,  # Patient Identity Removed
        0x00120063,  # De-identification Method
        0x00120064,  # De-identification Method Code Sequence
    }
)
"""Patient Module (PS3.3 C.7.1.1), and Patient Identification and Demographic (C.2.2, C.2.3), which worklists fill."""

GENERAL_STUDY: Final = frozenset(
    {
        0x00080020,  # Study Date
        0x00080030,  # Study Time
        0x00080050,  # Accession Number
        0x00080051,  # Issuer of Accession Number Sequence
        0x00080090,  # Referring Physician's Name
        0x00080096,  # Referring Physician Identification Sequence
        0x0008009C,  # Consulting Physician's Name
        0x0008009D,  # Consulting Physician Identification Sequence
        0x00081030,  # Study Description
        0x00081032,  # Procedure Code Sequence
        0x00081048,  # Physician(s) of Record
        0x00081049,  # Physician(s) of Record Identification Sequence
        0x00081060,  # Name of Physician(s) Reading Study
        0x00081062,  # Physician(s) Reading Study Identification Sequence
        0x00081110,  # Referenced Study Sequence
        0x00200010,  # Study ID
        0x00321033,  # Requesting Service
        0x00321034,  # Requesting Service Code Sequence
        0x00401012,  # Reason for Performed Procedure Code Sequence
    }
)
"""General Study Module (PS3.3 C.7.2.1), without the Study Instance UID."""

PATIENT_STUDY: Final = frozenset(
    {
        0x00081080,  # Admitting Diagnoses Description
        0x00081084,  # Admitting Diagnoses Code Sequence
        0x00081301,  # Principal Diagnosis Code Sequence
        0x00081302,  # Primary Diagnosis Code Sequence
        0x00081303,  # Secondary Diagnoses Code Sequence
        0x00081304,  # Histological Diagnoses Code Sequence
        0x00100011,  # Person Names to Use Sequence
        0x00100014,  # Third Person Pronouns Sequence
        0x00100041,  # Gender Identity Sequence
        0x00100043,  # Sex Parameters for Clinical Use Category Sequence
        0x00101010,  # Patient's Age
        0x00101020,  # Patient's Size
        0x00101021,  # Patient's Size Code Sequence
        0x00101022,  # Patient's Body Mass Index
        0x00101023,  # Measured AP Dimension
        0x00101024,  # Measured Lateral Dimension
        0x00101030,  # Patient's Weight
        0x00102000,  # Medical Alerts
        0x00102110,  # Allergies
        0x00102180,  # Occupation
        0x001021A0,  # Smoking Status
        0x001021B0,  # Additional Patient History
        0x001021C0,  # Pregnancy Status
        0x001021D0,  # Last Menstrual Date
        0x001021F0,  # Patient's Religious Preference
        0x00102203,  # Patient's Sex Neutered
        0x00321066,  # Reason for Visit
        0x00321067,  # Reason for Visit Code Sequence
        0x00380010,  # Admission ID
        0x00380011,  # Issuer of Admission ID (retired)
        0x00380014,  # Issuer of Admission ID Sequence
        0x00380020,  # Admitting Date
        0x00380021,  # Admitting Time
        0x00380050,  # Special Needs
        0x00380060,  # Service Episode ID
        0x00380061,  # Issuer of Service Episode ID (retired)
        0x00380062,  # Service Episode Description
        0x00380064,  # Issuer of Service Episode ID Sequence
        0x00380300,  # Current Patient Location
        0x00380500,  # Patient State
        0x00384000,  # Visit Comments
    }
)
"""Patient Study Module (PS3.3 C.7.2.2), and Visit Admission and Status (C.3.3, C.3.4), which worklists fill."""

REQUEST: Final = frozenset(
    {
        0x00321031,  # Requesting Physician Identification Sequence
        0x00321032,  # Requesting Physician
        0x00321060,  # Requested Procedure Description
        0x00321064,  # Requested Procedure Code Sequence
        0x00400001,  # Scheduled Station AE Title
        0x00400002,  # Scheduled Procedure Step Start Date
        0x00400003,  # Scheduled Procedure Step Start Time
        0x00400004,  # Scheduled Procedure Step End Date
        0x00400005,  # Scheduled Procedure Step End Time
        0x00400006,  # Scheduled Performing Physician's Name
        0x00400007,  # Scheduled Procedure Step Description
        0x00400008,  # Scheduled Protocol Code Sequence
        0x00400009,  # Scheduled Procedure Step ID
        0x0040000B,  # Scheduled Performing Physician Identification Sequence
        0x00400010,  # Scheduled Station Name
        0x00400011,  # Scheduled Procedure Step Location
        0x00400020,  # Scheduled Procedure Step Status
        0x00400026,  # Order Placer Identifier Sequence
        0x00400027,  # Order Filler Identifier Sequence
        0x00400100,  # Scheduled Procedure Step Sequence
        0x00400275,  # Request Attributes Sequence
        0x00400400,  # Comments on the Scheduled Procedure Step
        0x00401001,  # Requested Procedure ID
        0x00401002,  # Reason for the Requested Procedure
        0x00401003,  # Requested Procedure Priority
        0x00401004,  # Patient Transport Arrangements
        0x00401005,  # Requested Procedure Location
        0x00401006,  # Placer Order Number / Procedure (retired)
        0x00401007,  # Filler Order Number / Procedure (retired)
        0x00401008,  # Confidentiality Code
        0x00401009,  # Reporting Priority
        0x0040100A,  # Reason for Requested Procedure Code Sequence
        0x00401010,  # Names of Intended Recipients of Results
        0x00401011,  # Intended Recipients of Results Identification Sequence
        0x00401400,  # Requested Procedure Comments
        0x00402001,  # Reason for the Imaging Service Request (retired)
        0x00402004,  # Issue Date of Imaging Service Request
        0x00402005,  # Issue Time of Imaging Service Request
        0x00402008,  # Order Entered By
        0x00402009,  # Order Enterer's Location
        0x00402010,  # Order Callback Phone Number
        0x00402011,  # Order Callback Telecom Information
        0x00402016,  # Placer Order Number / Imaging Service Request
        0x00402017,  # Filler Order Number / Imaging Service Request
        0x00402400,  # Imaging Service Request Comments
        0x0040A370,  # Referenced Request Sequence
    }
)
"""Request Attributes (PS3.3 Table 10-9), and Scheduled Procedure Step, Requested Procedure and Imaging Service Request
(C.4.10 to C.4.12), which some equipment copies from the worklist to the top level."""

PERFORMED_STEP: Final = frozenset(
    {
        0x00081111,  # Referenced Performed Procedure Step Sequence
        0x00400241,  # Performed Station AE Title
        0x00400242,  # Performed Station Name
        0x00400243,  # Performed Location
        0x00400244,  # Performed Procedure Step Start Date
        0x00400245,  # Performed Procedure Step Start Time
        0x00400250,  # Performed Procedure Step End Date
        0x00400251,  # Performed Procedure Step End Time
        0x00400252,  # Performed Procedure Step Status
        0x00400253,  # Performed Procedure Step ID
        0x00400254,  # Performed Procedure Step Description
        0x00400255,  # Performed Procedure Type Description
        0x00400260,  # Performed Protocol Code Sequence
        0x00400270,  # Scheduled Step Attributes Sequence
        0x00400280,  # Comments on the Performed Procedure Step
        0x00400281,  # Performed Procedure Step Discontinuation Reason Code Sequence
    }
)
"""Performed Procedure Step Summary (PS3.3 Table 10-16), and Relationship and Information (C.4.13, C.4.14)."""

INSTITUTION: Final = frozenset(
    {
        0x00080080,  # Institution Name
        0x00080081,  # Institution Address
        0x00080082,  # Institution Code Sequence
        0x00081040,  # Institutional Department Name
        0x00081041,  # Institutional Department Type Code Sequence
    }
)
"""The institution of the General Equipment Module (PS3.3 C.7.5.1); the rest of it describes the device."""

COERCIBLE: Final = PATIENT | GENERAL_STUDY | PATIENT_STUDY | REQUEST | PERFORMED_STEP | INSTITUTION
"""All coercible attributes, as 0xGGGGEEEE."""
