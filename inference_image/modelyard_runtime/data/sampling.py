"""Which rows of a large dataset are learnt from, where not all of them fit into memory.

A uniform draw without replacement, in the order of the file: it keeps the shares of classes, so
that probabilities stay calibrated, and the order of time. Of what one pod leaves out, others may
learn: each has a share by row number. Called by ``reading`` and ``profile``.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from modelyard_crds.memory import rows_to_learn_from, rows_to_type
from modelyard_runtime.data.spool import Rows


class Room(NamedTuple):
    """What a process may use: bytes of memory, None for no limit, and the seed of draws."""

    memory: int | None = None
    seed: int = 0


WITHOUT_LIMIT = Room()


class Sample(NamedTuple):
    """The rows that are looked at and, by position among those, the rows that are kept."""

    #: Mask over the rows of the files that types are found from; None for all.
    seen: NDArray[np.bool_] | None = None
    kept: NDArray[np.int64] | None = None
    warnings: tuple[str, ...] = ()


def draw(rows: Rows, room: Room) -> Sample:
    """The rows to learn from, and those to find types from."""
    if room.memory is None:
        return Sample()
    seen = rows_to_look_at(rows, room)
    looked_at = rows.total if seen is None else int(np.count_nonzero(seen))
    most = rows_to_learn_from(room.memory, len(rows.schema))
    if most >= looked_at:
        kept, learnt = None, looked_at
    else:
        kept, learnt = _positions(looked_at, most, room.seed), most
    return Sample(seen, kept, tuple(_said(rows.total, looked_at, learnt, room)))


class Place(NamedTuple):
    """A pod beside the one whose draw it must not meet: that one's room, and its own.

    ``rank`` is from 1 to one less than ``pods``.
    """

    leader: Room
    rank: int
    pods: int
    memory: int


def share(rows: Rows, place: Place) -> Sample:
    """What a pod learns from of the rows that ``draw`` leaves out for the leader.

    Types are found from the same rows as there, so that columns mean the same.
    """
    drawn = draw(rows, place.leader)
    looked_at = rows.total if drawn.seen is None else int(np.count_nonzero(drawn.seen))
    most = rows_to_learn_from(place.memory, len(rows.schema))
    return Sample(drawn.seen, share_of(looked_at, drawn.kept, place, most))


def share_of(
    count: int, taken: NDArray[np.int64] | None, place: Place, most: int
) -> NDArray[np.int64]:
    """At most so many positions below ``count``, that no other rank has and are not ``taken``.

    Without a limit the shares of all ranks and what is taken are all positions; None takes all.
    """
    free = np.ones(count, dtype=bool)
    free[slice(None) if taken is None else taken] = False
    own = np.flatnonzero(free)[place.rank - 1 :: place.pods - 1]
    if len(own) <= most:
        return own
    return own[_positions(len(own), most, place.leader.seed + place.rank)]


def rows_to_look_at(rows: Rows, room: Room) -> NDArray[np.bool_] | None:
    """The rows that types are found from: all, unless one whole column is too large."""
    if room.memory is None:
        return None
    most = rows_to_type(room.memory, rows.widest / max(1, rows.total))
    if most >= rows.total:
        return None
    mask = np.zeros(rows.total, dtype=bool)
    mask[_positions(rows.total, most, room.seed)] = True
    return mask


def _positions(count: int, size: int, seed: int) -> NDArray[np.int64]:
    drawn = np.random.default_rng(seed).choice(count, size, replace=False, shuffle=False)
    return np.sort(drawn)


def _said(count: int, looked_at: int, learnt: int, room: Room) -> list[str]:
    if learnt == count:
        return []
    gibi = (room.memory or 0) / 2**30
    said = [
        f"Trained on {learnt:,} of {count:,} rows, drawn at random with seed {room.seed}, because "
        f"{gibi:.1f} GiB of memory have room for so many: raise "
        "spec.training.resources.limits.memory to learn from more."
    ]
    if looked_at < count:
        said.append(
            f"The types of columns were found from {looked_at:,} of {count:,} rows: a whole "
            "column did not fit into memory."
        )
    return said
