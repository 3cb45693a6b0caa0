"""The parts of the DICOM standard that this node needs, as pure functions and values: no I/O, no clock, no network."""
