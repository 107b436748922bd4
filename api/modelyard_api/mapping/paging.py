"""Pages of lists by limit and offset."""

from collections.abc import Sequence
from typing import TypeVar

from modelyard_api.mapping.shapes import Pagination

T = TypeVar("T")


def page(items: Sequence[T], limit: int, offset: int) -> tuple[Sequence[T], Pagination]:
    """The part of a list that was asked for, and where it stands; past the end it is empty."""
    shown = items[offset : offset + limit]
    total = len(items)
    pagination = Pagination(
        total=total, limit=limit, offset=offset, has_more=offset + len(shown) < total
    )
    return shown, pagination
