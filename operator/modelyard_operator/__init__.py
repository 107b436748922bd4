"""The operator: turns the four kinds into Jobs, artifacts and serving pods, level by level.

``main`` starts the process; ``handlers`` registers what wakes it; ``cluster`` is all that talks
to the API server and the object store; ``reconcile`` decides, without I/O, from what was
observed; ``resources`` holds the builders of child objects; ``errors`` is the tree of failures.
An import only ever goes down that list.
"""
