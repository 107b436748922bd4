"""From a dataset's address to a typed table on this machine.

``source`` brings the bytes to local disk and digests them, ``content`` finds out what they are and
``foreign`` what is no table, ``csv_text`` (with ``header`` and ``quotes``) and ``json_lines`` read
them, ``column_types`` gives each column its type, ``profile`` sums the table up, ``objects`` gives
its rows as requests have them. pyarrow and numpy only: a profiling pod needs no scikit-learn.
"""
