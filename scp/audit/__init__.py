"""The rules and what follows from them. Pure: values in, values out.

A :class:`~scp.audit.rule.Rule` looks at a :class:`~scp.audit.rule.Subject` (and, if it is pairwise, at a
:class:`~scp.audit.snapshot.Snapshot`) and answers pass, not applicable, or a problem. The :mod:`~scp.audit.engine` runs
the rules of the :mod:`~scp.audit.catalogue`; the :class:`~scp.audit.policy.Policy` turns what they found into one
:class:`~scp.audit.finding.Verdict`.
"""
