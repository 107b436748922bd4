"""The cluster for the demo and the tests: one command gives it, one takes it away.

What lives here: choosing where a cluster comes from (the context you have, kind, or a Kubernetes
built from source on this machine), starting it, loading images into it, and ending it without a
trace. What may not: anything of Modelyard itself (no types, no operator, no chart), and anything
beyond the standard library, because this runs before a virtual environment exists.
"""
