"""What the DICOM standard says, as pure functions and values: no I/O, no clock, no network."""
