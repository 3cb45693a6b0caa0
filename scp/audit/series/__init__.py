"""The series audit: judges a whole series. Pure, and independent of the order in which the instances arrived.

:mod:`~scp.audit.series.member` is the input, :mod:`~scp.audit.series.result` the output, and
:mod:`~scp.audit.series.judge` what leads from one to the other: planes, stacks, rules, verdict.
"""
