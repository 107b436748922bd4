"""Pure translations between custom resources and the JSON of REST; no I/O, no clock.

``rest`` has the shapes of requests and answers, the other modules the way between them and the
types of ``modelyard_crds``.
"""
