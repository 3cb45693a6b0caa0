"""The tables of the SQLite ledger.

Times are microseconds UTC since 1970. A receipt's number is the number of the instance it stored; ``reference``
columns name the first stored instance, with which later ones are compared. Values are JSON objects of
:mod:`scp.audit.tracked`.
"""

from typing import Final

VERSION: Final = 1

SCHEMA: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE association (
    id INTEGER PRIMARY KEY,
    address TEXT NOT NULL,
    port INTEGER NOT NULL,
    calling_ae_title TEXT NOT NULL,
    called_ae_title TEXT NOT NULL,
    implementation_class_uid TEXT NOT NULL,
    implementation_version_name TEXT NOT NULL,
    opened INTEGER,
    closed INTEGER,
    ending TEXT
) STRICT;

CREATE TABLE study (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    reference INTEGER NOT NULL,
    tracked TEXT NOT NULL
) STRICT;

CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    study INTEGER NOT NULL REFERENCES study (id),
    reference INTEGER NOT NULL,
    tracked TEXT NOT NULL
) STRICT;

-- How often each combination of tracked values was stored in a series.
CREATE TABLE variant (
    series INTEGER NOT NULL REFERENCES series (id),
    tracked TEXT NOT NULL,
    instances INTEGER NOT NULL,
    PRIMARY KEY (series, tracked)
) STRICT, WITHOUT ROWID;

-- The first image of each stack of a series: key is a digest of what makes the stack.
CREATE TABLE stack (
    series INTEGER NOT NULL REFERENCES series (id),
    key TEXT NOT NULL,
    reference INTEGER NOT NULL,
    "rows" INTEGER,
    "columns" INTEGER,
    pixel_spacing TEXT NOT NULL,
    orientation TEXT NOT NULL,
    PRIMARY KEY (series, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE instance (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    study INTEGER NOT NULL REFERENCES study (id),
    series INTEGER NOT NULL REFERENCES series (id),
    sop_class_uid TEXT NOT NULL,
    transfer_syntax TEXT NOT NULL,
    number INTEGER,
    slot TEXT NOT NULL,
    place TEXT NOT NULL,
    concatenation_uid TEXT NOT NULL,
    in_concatenation_number INTEGER,
    patient TEXT NOT NULL,
    digest BLOB NOT NULL,
    confirmed INTEGER NOT NULL
) STRICT;
CREATE INDEX instance_number ON instance (series, number) WHERE number IS NOT NULL;

CREATE TABLE receipt (
    id INTEGER PRIMARY KEY,
    association INTEGER NOT NULL REFERENCES association (id),
    received INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    affected_sop_class_uid TEXT NOT NULL,
    affected_sop_instance_uid TEXT NOT NULL,
    abstract_syntax TEXT NOT NULL,
    transfer_syntax TEXT NOT NULL,
    study_instance_uid TEXT NOT NULL,
    series_instance_uid TEXT NOT NULL,
    outcome TEXT NOT NULL,
    status INTEGER,
    comment TEXT NOT NULL,
    tightened TEXT,
    digest BLOB,
    size INTEGER NOT NULL,
    kept TEXT NOT NULL,
    path TEXT NOT NULL,
    original INTEGER NOT NULL
) STRICT;
CREATE INDEX receipt_quarantined ON receipt (digest) WHERE kept = 'quarantine';

CREATE TABLE finding (
    receipt INTEGER NOT NULL REFERENCES receipt (id),
    position INTEGER NOT NULL,
    code TEXT NOT NULL,
    severity INTEGER NOT NULL,
    status INTEGER NOT NULL,
    message TEXT NOT NULL,
    tags TEXT NOT NULL,
    expected TEXT,
    found TEXT,
    other INTEGER,
    PRIMARY KEY (receipt, position)
) STRICT, WITHOUT ROWID;
"""
