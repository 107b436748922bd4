"""The REST façade: the Models API over the custom resources.

A request goes ``routes`` (HTTP) → ``handlers`` (what to do, no HTTP) → ``mapping`` (pure:
resource ⇄ JSON). Handlers reach the world through ``Services``: ``cache`` and ``reads`` for the
four kinds, ``writes`` as the only door for changes, ``store`` for files and logs, ``proxy`` for
predictions. Nothing is kept here that another replica could not find again; nothing here reads a
dataset's content or knows how a model is trained.
"""
