"""A limit on repairs: a change that somebody makes again and again is reported, not fought."""

from collections import defaultdict, deque
from collections.abc import Callable

from modelyard_crds.reasons import Reason
from modelyard_operator.errors import RefusedError

#: So many repairs of one thing in this time are somebody's hand; more are another controller.
MOST_REPAIRS = 5
WINDOW = 60.0
_REMEMBERED = 10_000


class Repairs:
    """Counts repairs of the same field of the same object."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._times: defaultdict[tuple[str, ...], deque[float]] = defaultdict(
            lambda: deque(maxlen=MOST_REPAIRS)
        )

    def note(self, kind: str, namespace: str, name: str, why: str) -> None:
        """Note that a repair is about to be made.

        Raises RefusedError where it was made too often of late.
        """
        now = self._clock()
        if len(self._times) > _REMEMBERED:
            self._times.clear()
        times = self._times[kind, namespace, name, why]
        if len(times) == MOST_REPAIRS and now - times[0] < WINDOW:
            raise RefusedError(
                Reason.FORBIDDEN_BY_POLICY,
                f"Something keeps changing {kind} {name!r} ({why}): it was put back "
                f"{MOST_REPAIRS} times within {WINDOW:.0f} s. Find the controller or admission "
                "policy that does, by the managedFields of the object.",
            )
        times.append(now)
