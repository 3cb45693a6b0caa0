"""The series audit: what the whole set says that no single instance can. Pure, and a function of the set alone.

:mod:`~scp.audit.series.member` is what goes in, :mod:`~scp.audit.series.result` what comes out,
:mod:`~scp.audit.series.judge` the way between: planes, stacks, rules, verdict.
"""
