"""All that talks: to the API server through ``client``, to the object store through ``store``.

Reading: ``cache`` holds what the watches and lists brought, ``gather`` makes of it what a
decision needs. Writing: ``apply``, ``status`` and ``events`` are the only doors out. Driving:
``queue`` and ``worker`` reconcile one key at a time. No decision is taken here.
"""
