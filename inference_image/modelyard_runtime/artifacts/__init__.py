"""What a build leaves in the store: files, their manifest, and how it went.

``publish`` writes files first and the manifest last; ``progress`` keeps the state of a running
build readable; ``card`` (with ``plots`` and ``svg``) and ``statistics`` make the files for people
and for drift. Importable without scikit-learn and onnx.
"""
