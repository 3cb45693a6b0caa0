"""The tables of the SQLite ledger.

Times are microseconds UTC since 1970. A receipt's number is the number of the instance it stored; ``reference``
columns name the first stored instance, with which later ones are compared. Values are JSON objects of
:mod:`scp.audit.tracked`.
"""

from typing import Final

VERSION: Final = 4

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

-- is_open says that there is something that no audit has seen: triggers set it, and writing an audit clears it. So the
-- series that are not judged are found at start without looking at every instance.
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    study INTEGER NOT NULL REFERENCES study (id),
    reference INTEGER NOT NULL,
    is_open INTEGER NOT NULL DEFAULT 1,
    tracked TEXT NOT NULL
) STRICT;
CREATE INDEX series_open ON series (id) WHERE is_open;

-- People look studies up by patient or order; only the first instance of a study pays for these indexes.
CREATE INDEX study_patient ON study (json_extract(tracked, '$.patient'));
CREATE INDEX study_accession ON study (json_extract(tracked, '$.accession_number'));

CREATE INDEX series_study ON series (study);

-- Each combination of tracked values in a series; the geometry of an instance says which of them it has.
CREATE TABLE variant (
    series INTEGER NOT NULL REFERENCES series (id),
    tracked TEXT NOT NULL,
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
    uid TEXT NOT NULL,  -- of no other instance: one transaction looks for it and writes it
    key INTEGER NOT NULL,  -- what it is found by: see scp.ledger.uid_key
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
    confirmed INTEGER NOT NULL,  -- see scp.ledger.rows.Confirmation
    geometry BLOB NOT NULL  -- for the series audit: scp.dicom.geometry
) STRICT;
CREATE INDEX instance_key ON instance (key);
-- Neighbours of an instance, and all members of a series: so it is not left out where there is no number.
CREATE INDEX instance_number ON instance (series, number);

-- The equipment that says it made an instance; nothing personal, and no longer than the VR allows.
CREATE TABLE scanner (
    id INTEGER PRIMARY KEY,
    manufacturer TEXT NOT NULL,
    manufacturer_model_name TEXT NOT NULL,
    device_serial_number TEXT NOT NULL,
    software_versions TEXT NOT NULL,
    UNIQUE (manufacturer, manufacturer_model_name, device_serial_number, software_versions)
) STRICT;

-- kept and path say where the bytes are now, and an act may change them; all else of a receipt stays as it was written.
-- patient is a fingerprint, and only there of what was refused: that of a stored instance is in its own row.
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
    original INTEGER NOT NULL,
    scanner INTEGER REFERENCES scanner (id),
    patient TEXT NOT NULL
) STRICT;
CREATE INDEX receipt_quarantined ON receipt (digest) WHERE kept = 'quarantine';
-- What was refused on an association, for notifications; what was accepted costs nothing here.
CREATE INDEX receipt_refused_on ON receipt (association) WHERE outcome = 'refuse';
-- What lists ask for. But for the first two, these hold exceptional receipts only: an accepted instance costs nothing.
CREATE INDEX association_sender ON association (calling_ae_title);
CREATE INDEX receipt_association ON receipt (association);
CREATE INDEX receipt_held ON receipt (id) WHERE kept = 'quarantine';
CREATE INDEX receipt_held_patient ON receipt (patient) WHERE kept = 'quarantine';
CREATE INDEX receipt_held_study ON receipt (study_instance_uid) WHERE kept = 'quarantine';
CREATE INDEX receipt_held_series ON receipt (series_instance_uid) WHERE kept = 'quarantine';
CREATE INDEX receipt_outcome ON receipt (outcome) WHERE outcome <> 'accept';
CREATE INDEX receipt_status ON receipt (status) WHERE outcome <> 'accept';
CREATE INDEX receipt_unstored_series ON receipt (series_instance_uid) WHERE kept <> 'archive';
CREATE INDEX receipt_unstored_instance ON receipt (affected_sop_instance_uid) WHERE kept <> 'archive';

CREATE TRIGGER instance_opens AFTER INSERT ON instance BEGIN
    UPDATE series SET is_open = 1 WHERE id = NEW.series AND NOT is_open;
END;
CREATE TRIGGER instance_leaves AFTER DELETE ON instance BEGIN
    UPDATE series SET is_open = 1 WHERE id = OLD.series AND NOT is_open;
END;
CREATE TRIGGER receipt_opens AFTER INSERT ON receipt WHEN NEW.kept = 'quarantine' BEGIN
    UPDATE series SET is_open = 1 WHERE uid = NEW.series_instance_uid AND NOT is_open;
END;
CREATE TRIGGER receipt_moves AFTER UPDATE OF kept ON receipt WHEN 'quarantine' IN (NEW.kept, OLD.kept) BEGIN
    UPDATE series SET is_open = 1 WHERE uid = NEW.series_instance_uid AND NOT is_open;
END;

-- Objects whose files are not on the disk for good yet, for less than a second: whole files, encrypted
-- (scp.ledger.sealed).
CREATE TABLE sealed (id INTEGER PRIMARY KEY, content BLOB NOT NULL) STRICT;

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

-- Every audit of a series that had something new to judge; the newest is what holds. covers stands for the instances
-- and the refused objects that it has seen: if there are others now, the series is open again. refused and stacks are
-- JSON, as in `auditscp check`.
CREATE TABLE series_audit (
    id INTEGER PRIMARY KEY,
    series INTEGER NOT NULL REFERENCES series (id),
    made INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    instances INTEGER NOT NULL,
    images INTEGER NOT NULL,
    covers TEXT NOT NULL,
    refused TEXT NOT NULL,
    stacks TEXT NOT NULL
) STRICT;
CREATE INDEX series_audit_series ON series_audit (series);

-- What audits found. opened is the first audit that found it, closed the first that did not find it any more.
CREATE TABLE series_finding (
    id INTEGER PRIMARY KEY,
    series INTEGER NOT NULL REFERENCES series (id),
    opened INTEGER NOT NULL REFERENCES series_audit (id),
    closed INTEGER REFERENCES series_audit (id),
    code TEXT NOT NULL,
    "case" TEXT NOT NULL,
    severity INTEGER NOT NULL,
    message TEXT NOT NULL,
    stack INTEGER NOT NULL,
    tags TEXT NOT NULL,
    instances TEXT NOT NULL,
    expected TEXT,
    found TEXT
) STRICT;
CREATE INDEX series_finding_series ON series_finding (series);
CREATE INDEX finding_code ON finding (code) WHERE severity > 1;

-- What people, and tasks of the node, did about objects that had been decided about: append-only. kind is a word of
-- scp.ledger.acts, other the instance that it replaced; former paths tell recovery what to clear away. reason is what
-- an operator wrote, word for word.
CREATE TABLE act (
    id INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    kind TEXT NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL,
    receipt INTEGER NOT NULL,
    other INTEGER,
    outcome TEXT NOT NULL,
    codes TEXT NOT NULL,
    former TEXT NOT NULL,
    former_other TEXT NOT NULL
) STRICT;
CREATE INDEX act_receipt ON act (receipt);
CREATE INDEX act_other ON act (other) WHERE other IS NOT NULL;
-- What left quarantine, and how; instances that retention lets go of are far more, and not in here.
CREATE INDEX act_on_held ON act (kind, receipt) WHERE former >= 'quarantine/' AND former < 'quarantine0';

-- What reports count, by the hour (hours since 1970). Triggers keep them in the transaction of the receipt itself, so
-- that they are never off, and a report costs the same however many receipts there are.
CREATE TABLE tally (
    hour INTEGER NOT NULL,
    calling_ae_title TEXT NOT NULL,
    address TEXT NOT NULL,
    scanner INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    status INTEGER NOT NULL,
    tightened TEXT NOT NULL,
    receipts INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (hour, calling_ae_title, address, scanner, outcome, status, tightened)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER receipt_tally AFTER INSERT ON receipt BEGIN
    INSERT INTO tally SELECT NEW.received / 3600000000, calling_ae_title, address, ifnull(NEW.scanner, 0), NEW.outcome,
        ifnull(NEW.status, -1), ifnull(NEW.tightened, ''), 1, NEW.size FROM association WHERE id = NEW.association
    ON CONFLICT DO UPDATE SET receipts = receipts + 1, bytes = bytes + excluded.bytes;
END;
CREATE TABLE rule_tally (
    hour INTEGER NOT NULL,
    calling_ae_title TEXT NOT NULL,
    address TEXT NOT NULL,
    scanner INTEGER NOT NULL,
    code TEXT NOT NULL,
    severity INTEGER NOT NULL,
    findings INTEGER NOT NULL,
    PRIMARY KEY (hour, calling_ae_title, address, scanner, code, severity)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER finding_tally AFTER INSERT ON finding BEGIN
    INSERT INTO rule_tally SELECT received / 3600000000, calling_ae_title, address, ifnull(scanner, 0), NEW.code,
        NEW.severity, 1 FROM receipt JOIN association ON association.id = receipt.association
        WHERE receipt.id = NEW.receipt
    ON CONFLICT DO UPDATE SET findings = findings + 1;
END;
"""
