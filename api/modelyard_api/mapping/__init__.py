"""Pure translations between custom resources and the JSON of REST; no I/O, no clock.

``rest`` and ``rest_platform`` have the shapes of requests and answers, made of ``shapes``; the
other modules are the way between them and the types of ``modelyard_crds``.
"""
