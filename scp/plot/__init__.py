"""Pictures of a series: where its slices lie and what the audit found. Pure functions; nothing here reads or writes.

:mod:`~scp.plot.picture` turns a :class:`~scp.audit.series.result.SeriesAudit` into a :class:`~scp.plot.scene.Scene`, a
list of simple shapes, with one panel for each stack (:mod:`~scp.plot.charts`). :mod:`~scp.plot.svg` and
:mod:`~scp.plot.png` turn the scene into a file's contents.
"""
