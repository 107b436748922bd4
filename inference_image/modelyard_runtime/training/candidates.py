"""Which models a search may try: a portfolio of what usually works, then what is near the best."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from modelyard_runtime.training.problem import MANY_ROWS, Shape

Family = Literal["linear", "boosting", "forest", "extra_trees"]
Setting = int | float | None

FAMILY_NAMES: dict[Family, str] = {
    "linear": "a linear model",
    "boosting": "boosting",
    "forest": "a random forest",
    "extra_trees": "extra trees",
}
MANY_CLASSES = 10


@dataclass(frozen=True)
class Candidate:
    """One model of a search, before it is fitted."""

    family: Family
    settings: tuple[tuple[str, Setting], ...] = ()

    def get(self, name: str, default: Setting) -> Any:
        """A setting, or what holds where it is not set."""
        return dict(self.settings).get(name, default)


def candidate(family: Family, **settings: Setting) -> Candidate:
    """A candidate by its settings, in the order of their names."""
    return Candidate(family, tuple(sorted(settings.items())))


def portfolio(shape: Shape) -> list[Candidate]:
    """Where each search begins, in the order of what pays first."""
    few = shape.rows < MANY_ROWS
    boosting = candidate("boosting", leaves=16 if few else 31, rate=0.1)
    gentle = candidate("boosting", leaves=8, rate=0.05, rounds=150, l2=1.0, smallest=10)
    linear, strict = candidate("linear", strength=1.0), candidate("linear", strength=0.05)
    forest, extra = candidate("forest", smallest=2), candidate("extra_trees", smallest=2)
    if shape.classes > MANY_CLASSES:
        # Boosting fits a tree a class: with many classes it comes after what is cheap.
        return [linear, extra, forest, strict, boosting]
    return [linear, boosting, forest, extra, gentle, strict]


def variations(best: Sequence[Candidate], seed: int) -> Iterator[Candidate]:
    """Candidates without end: mostly of the families of the best ones, given best first."""
    random = np.random.default_rng(seed)
    families: tuple[Family, ...] = ("boosting", "forest", "extra_trees", "linear")
    while True:
        near = best and random.random() < NEAR
        family = best[0].family if near else families[random.integers(len(families))]
        yield _draw(family, random)


#: The share of variations that are of the best candidate's family.
NEAR = 0.6


def _draw(family: Family, random: np.random.Generator) -> Candidate:
    if family == "linear":
        return candidate(family, strength=float(round(10.0 ** random.uniform(-3, 2), 4)))
    if family == "boosting":
        return candidate(
            family,
            leaves=int(random.choice([4, 6, 8, 12, 16, 24, 31, 48])),
            rate=float(round(10.0 ** random.uniform(-1.6, -0.7), 3)),
            rounds=int(random.choice([80, 120, 200])),
            l2=float(random.choice([0.0, 0.1, 1.0, 10.0])),
            smallest=int(random.choice([5, 10, 20, 40])),
            share=float(random.choice([0.5, 0.8, 1.0])),
        )
    return candidate(
        family,
        smallest=int(random.choice([1, 2, 3, 5, 10])),
        share=float(random.choice([0.2, 0.35, 0.5, 0.75, 1.0])),
    )
