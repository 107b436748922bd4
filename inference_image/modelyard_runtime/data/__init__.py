"""From a dataset's address to a typed table on this machine.

``source`` brings the bytes to local disk and digests them, ``content`` finds out what they are,
``csv_text``, ``json_lines`` and ``parquet`` read them, ``column_types`` gives each column its type,
``profile`` sums the table up. pyarrow and numpy only: a profiling pod needs no scikit-learn.
"""
