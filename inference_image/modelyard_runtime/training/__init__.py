"""From a plan and a table to the best model, and the jobs that pods run.

``main`` is the entry; ``jobs`` does what a pod is asked; ``build`` is the way of one version.
``encoding`` makes matrices of columns and ``problem`` states what is learnt from them;
``candidates`` and ``pipelines`` are what may be tried (``log_scale`` for skewed targets),
``fitting`` is one fit, ``runner`` is where fits run and ``search`` decides which come next.
``calibration`` corrects probabilities, ``graph`` turns a model into ONNX, ``conversion`` lets only
a faithful one win; ``evidence`` and ``intervals`` say how good it is. ``by_hand`` and ``predict``
are the commands of people, ``terminal`` says how they end. scikit-learn is imported inside
functions: a pod that fails early fails fast.
"""
