"""Which models a search may try: a portfolio of what usually works, then what is near the best."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from modelyard_runtime.training.problem import MANY_ROWS, Shape

Family = Literal["linear", "boosting", "forest", "extra_trees", "network"]
Setting = int | float | None

FAMILY_NAMES: dict[Family, str] = {
    "linear": "a linear model",
    "boosting": "boosting",
    "forest": "a random forest",
    "extra_trees": "extra trees",
    "network": "a neural network",
}
#: Families that take the time of several others to fit, to write as a graph and to walk.
FORESTS: frozenset[Family] = frozenset({"forest", "extra_trees"})
MANY_CLASSES = 10
MOST_ROWS_OF_A_NETWORK = 50_000


@dataclass(frozen=True)
class Candidate:
    """One model of a search, before it is fitted."""

    family: Family
    settings: tuple[tuple[str, Setting], ...] = ()

    def get(self, name: str, default: Setting) -> Any:
        """A setting, or what holds where it is not set."""
        return dict(self.settings).get(name, default)


def candidate_of(family: Family, **settings: Setting) -> Candidate:
    """A candidate by its settings, in the order of their names."""
    return Candidate(family, tuple(sorted(settings.items())))


def name_of(candidate: Candidate) -> str:
    """What a candidate is, for people."""
    name = FAMILY_NAMES[candidate.family]
    if candidate.get("log", 0):
        return f"{name} on a logarithmic scale"
    return f"{name} of counts" if candidate.get("poisson", 0) else name


def portfolio(shape: Shape) -> list[Candidate]:
    """Where each search begins: unlike each other, in the order of what pays first.

    The settings are those that did best over the tables of ``bench/training.py``.
    """
    few = shape.rows < MANY_ROWS
    quick = candidate_of("boosting", leaves=15, rate=0.1, smallest=10)
    # What scikit-learn's boosting is by default: no search is to end behind it.
    plain = candidate_of("boosting", leaves=31, rate=0.1, smallest=20)
    gentle = candidate_of("boosting", leaves=8, rate=0.05, l2=1.0, smallest=5, share=0.6, bag=0.8)
    random = candidate_of("boosting", leaves=31, rate=0.07, random=1, share=0.8, smallest=5)
    linear, strict = candidate_of("linear", strength=1.0), candidate_of("linear", strength=0.05)
    forest, extra = candidate_of("forest", smallest=2), candidate_of("extra_trees", smallest=1)
    whole = candidate_of("extra_trees", share=0.9, smallest=2)
    network = [candidate_of("network", width=64)] if shape.rows <= MOST_ROWS_OF_A_NETWORK else []
    if shape.classes > MANY_CLASSES:
        # Boosting fits a tree a class: with many classes it comes after what is cheap.
        return [linear, extra, forest, *network, plain, strict]
    if not few:
        wide = candidate_of("boosting", leaves=127, rate=0.05, share=0.7, smallest=20)
        return [plain, linear, *uneven(shape), wide, extra, forest, gentle, *network]
    # Of trees without boosting these alone were ever missed on small tables.
    return [quick, linear, *uneven(shape), whole, *network, gentle, random, plain, strict]


def uneven(shape: Shape) -> list[Candidate]:
    """What suits a skewed target: a logarithmic scale, or the loss of counts, which keeps means."""
    few = shape.rows < MANY_ROWS
    settings = {"leaves": 15 if few else 31, "rate": 0.1, "smallest": 10}
    logs = [candidate_of("boosting", **settings, log=1), candidate_of("linear", log=1)]
    poisson = [candidate_of("boosting", **settings, poisson=1)]
    by_spread = {"even": [], "skewed": logs, "positive": logs + poisson, "counts": poisson + logs}
    return by_spread[shape.spread]


def variations(best: Sequence[Candidate], seed: int) -> Iterator[Candidate]:
    """Candidates without end: mostly near one of the best, which are given best first.

    Of the rest most are of a family that got through before: one that fell behind with the
    portfolio is seldom worth its time. Nor is what is near a forest, unless there is nothing else.
    """
    random = np.random.default_rng(seed)
    best = [one for one in best if one.family not in FORESTS] or best
    able = [family for family in FAMILIES if family in {one.family for one in best}]
    while True:
        place = random.random()
        if best and place < NEAR:
            yield _near(best[min(random.geometric(0.5) - 1, len(best) - 1)], random)
        else:
            families = able if able and place < ABLE else FAMILIES
            yield _draw(families[random.integers(len(families))], random)


#: Up to which share variations are neighbours of what is best, and of a family that got through.
NEAR, ABLE = 0.7, 0.95
FAMILIES: tuple[Family, ...] = (
    "boosting",
    "boosting",
    "network",
    "extra_trees",
    "forest",
    "linear",
)

#: What the settings of a family may be, in an order in which neighbours are alike.
SPACE: dict[Family, dict[str, tuple[Setting, ...]]] = {
    "linear": {"strength": (0.001, 0.003, 0.01, 0.05, 0.2, 1.0, 5.0, 20.0, 100.0)},
    "network": {
        "width": (32, 64, 128, 256),
        "layers": (1, 2),
        "penalty": (1e-4, 1e-3, 1e-2, 0.1, 1.0),
        "rate": (1e-3, 3e-3, 1e-2),
        "epochs": (30, 60, 120),
    },
    "boosting": {
        "leaves": (4, 6, 8, 11, 15, 23, 31, 47, 63, 95, 127),
        "rate": (0.02, 0.03, 0.05, 0.07, 0.1, 0.15),
        "l2": (0.0, 0.1, 1.0, 5.0, 20.0),
        "smallest": (1, 2, 5, 10, 20, 40, 80),
        "share": (0.3, 0.45, 0.6, 0.8, 1.0),
        "bag": (0.6, 0.8, 1.0),
        "random": (0, 1),
        "bins": (63, 255),
    },
    "forest": {"smallest": (1, 2, 3, 5, 10), "share": (0.2, 0.35, 0.5, 0.75, 1.0)},
    "extra_trees": {"smallest": (1, 2, 3, 5, 10), "share": (0.2, 0.35, 0.5, 0.75, 1.0)},
}


def _draw(family: Family, random: np.random.Generator) -> Candidate:
    space = SPACE[family]
    chosen = {name: values[random.integers(len(values))] for name, values in space.items()}
    return candidate_of(family, **chosen)


def _near(candidate: Candidate, random: np.random.Generator) -> Candidate:
    """One or two settings moved by a step; one that was not set is drawn."""
    space = SPACE[candidate.family]
    settings = dict(candidate.settings)
    for name in random.permutation(list(space))[: random.integers(1, 3)].tolist():
        values = space[name]
        place = values.index(settings[name]) if settings.get(name) in values else None
        step = random.integers(len(values)) if place is None else place + random.choice([-1, 1])
        settings[name] = values[int(np.clip(step, 0, len(values) - 1))]
    return candidate_of(candidate.family, **settings)
