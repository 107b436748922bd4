"""Serving: one process that answers predictions of one version.

A pod's entry is ``main``; it fetches the artifact by digest (``artifact``), checks the graph
(``graph``) and opens the one ONNX Runtime session (``session``). ``predictor`` is the way of a
prediction from rows to results and knows no transport: ``app`` speaks REST over it, ``service``
is the same as a BentoML service. Nothing here imports training or scikit-learn, reads the
network after start, or loads anything pickled.
"""
