"""Pictures of a series: what the audit understood, for somebody who has never seen one. Pure, but for writing PNG.

:mod:`~scp.plot.picture` puts a picture together from a :class:`~scp.audit.series.result.SeriesAudit`, one panel per
stack (:mod:`~scp.plot.charts`), as a :class:`~scp.plot.scene.Scene` of a few sorts of shapes.
:mod:`~scp.plot.svg` and :mod:`~scp.plot.png` write it.
"""
