"""Whether an object is still as it was applied, and where not."""

from collections.abc import Mapping
from typing import Any

from modelyard_operator.resources.quantity import parse_quantity

#: Lists whose entries have a name of their own; the API server or others may add entries.
_KEYED_BY = ("name", "containerPort", "port", "topologyKey", "uid", "mountPath")


def drift(desired: Any, found: Any, path: str = "") -> str | None:
    """The path of the first desired field that is found otherwise; None where all is as desired.

    Fields that were not asked for (defaults, other managers' fields) are not looked at; fields
    no longer asked for show in the annotation with the hash of the applied object.
    """
    if isinstance(desired, Mapping):
        return _mapping_drift(desired, found, path)
    if isinstance(desired, list):
        return _list_drift(desired, found, path)
    if desired == found or (".resources." in path and _equal_quantities(desired, found)):
        return None
    return path or "/"


def _mapping_drift(desired: Mapping[str, Any], found: Any, path: str) -> str | None:
    if not isinstance(found, Mapping):
        # An empty object that was applied is stored as absent where it says nothing.
        return None if not desired and found is None else path
    for key, value in desired.items():
        if difference := drift(value, found.get(key), f"{path}.{key}" if path else key):
            return difference
    return None


def _list_drift(desired: list[Any], found: Any, path: str) -> str | None:
    if not isinstance(found, list):
        return None if not desired and found is None else path
    key = _key_of(desired)
    if key is None:
        if len(found) != len(desired):
            return path
        pairs = list(zip(desired, found, strict=True))
    else:
        by_key = {item.get(key): item for item in found if isinstance(item, Mapping)}
        pairs = [(item, by_key.get(item[key])) for item in desired]
    for index, (wanted, there) in enumerate(pairs):
        label = wanted[key] if key else index
        if difference := drift(wanted, there, f"{path}[{label}]"):
            return difference
    return None


def _key_of(items: list[Any]) -> str | None:
    for key in _KEYED_BY:
        if items and all(isinstance(item, Mapping) and key in item for item in items):
            return key
    return None


def _equal_quantities(one: object, other: object) -> bool:
    if not (isinstance(one, str) and isinstance(other, str)):
        return False
    number = parse_quantity(one)
    return number is not None and number == parse_quantity(other)
