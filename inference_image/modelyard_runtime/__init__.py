"""What the inference image runs: training and profiling on one side, serving on the other.

Both stand on one set of library versions and on the small modules beside them: the store, the
messages between pods and operator, and the encoding of columns for the graph. Those import
neither scikit-learn nor pandas nor onnx, so that a serving pod stays small.
"""
