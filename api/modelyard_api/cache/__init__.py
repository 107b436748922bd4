"""Watch caches: local copies of what the façade reads, kept by list and watch.

``objects`` is the copy with its indexes, ``reflector`` keeps one current, ``kinds`` says which
there are and how their objects are found. Nothing here writes to the API server.
"""

from modelyard_api.cache.kinds import Caches, Kind
from modelyard_api.cache.objects import Entry, ObjectCache
from modelyard_api.cache.reflector import Reflector

__all__ = ["Caches", "Entry", "Kind", "ObjectCache", "Reflector"]
