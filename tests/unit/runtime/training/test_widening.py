"""The rows of all pods teach the winner only where unseen rows say that it is better."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from modelyard_crds.build import StoreConfig
from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError
from modelyard_runtime.plan.split import Split
from modelyard_runtime.store import open_store
from modelyard_runtime.training import records, widening
from modelyard_runtime.training.candidates import candidate_of
from modelyard_runtime.training.ensemble import Unseen
from modelyard_runtime.training.records import Records
from modelyard_runtime.training.runner import Taught, TogetherError
from modelyard_runtime.training.search import Trial
from modelyard_runtime.training.widening import Work, fits, widen
from unit.runtime.training.test_search import FAR, problem

GIVEN = replace(problem(), folds=problem().folds[:1])
LINEAR, BOOSTING = Trial(candidate_of("linear")), Trial(candidate_of("boosting"))


def winner_with(right: float):
    """A winner that is right about a share of the unseen rows, and of the others knows nothing."""
    rows = GIVEN.folds[0].test
    sure = np.where(np.arange(len(rows)) < right * len(rows), GIVEN.target[rows], 0.5)
    return SimpleNamespace(uncorrected=Unseen(rows, np.column_stack([1 - sure, sure])))


@pytest.fixture
def widened(tmp_path, monkeypatch):
    """What comes of a winner that is right about half, the common fit, and what is said."""
    store = open_store(StoreConfig(url=(tmp_path / "store").as_uri()))

    def run(found, ranked=(LINEAR, BOOSTING)):
        said: list[str] = []
        asked: list[Trial] = []

        def together(goal, encoding, given, trial, deadline):
            asked.append(trial)
            if isinstance(found, Exception):
                raise found
            return Taught("model", 1_880_000)

        monkeypatch.setattr(widening, "prove", lambda *_: found)
        nothing: Any = None
        work = Work(nothing, GIVEN, nothing, nothing, 1, None)
        kept = Records(store, "fits/", GIVEN)
        before = winner_with(0.5)
        result = widen(work, list(ranked), before, together, FAR, kept, said.append)
        return result, result.winner is before, asked, said

    return run


def test_what_is_better_on_the_same_unseen_rows_wins(widened):
    result, stays, asked, said = widened(winner_with(0.9))
    assert (stays, result.rows, result.warnings) == (False, 1_880_000, ())
    assert asked == [BOOSTING], "the best boosting, also where something else is the best"
    assert said[0].startswith("Boosting on the rows of all pods is the winner: roc_auc ")


@pytest.mark.parametrize("right", [0.5, 0.1], ids=["as good", "worse"])
def test_what_is_not_better_changes_nothing_but_the_log(widened, right):
    result, stays, _, said = widened(winner_with(right))
    assert (stays, result.rows, result.warnings) == (True, None, ())
    assert "is not better" in said[0]


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (TogetherError("a pod was lost"), "a pod was lost"),
        (UserError(Reason.DATASET_CHANGED, "the content has changed"), "the content has changed"),
        (ConnectionResetError("1.2.3.4"), "ConnectionResetError"),
        (MemoryError(), "MemoryError"),
    ],
    ids=["lost", "changed", "reset", "memory"],
)
def test_whatever_fails_leaves_the_winner_and_a_warning(widened, error, cause):
    result, stays, _, _ = widened(error)
    assert (stays, result.rows) == (True, None)
    assert result.warnings == (
        f"Boosting did not learn from the rows of all pods: {cause}. The search's winner stays.",
    )


def test_without_a_boosting_nothing_is_asked(widened):
    result, stays, asked, said = widened(winner_with(0.9), ranked=[LINEAR])
    assert (stays, result.warnings, asked, said) == (True, (), [], [])


def test_two_pods_that_ended_with_it_are_enough(widened, monkeypatch):
    monkeypatch.setattr(records, "is_large", lambda _: True)
    for _ in range(2):
        widened(TogetherError("as if the pod had ended"))
    result, stays, asked, _ = widened(winner_with(0.9))
    assert (stays, asked) == (True, [])
    assert "two pods were ended" in result.warnings[0]


@pytest.mark.parametrize(
    ("split", "series", "folds", "expected"),
    [
        (Split("random", None, "any"), None, 1, True),
        (Split("group", "patient", "alike"), None, 1, False),
        (Split("time", "day", "newest"), None, 1, False),
        (None, "a series", 1, False),
        (Split("random", None, "any"), None, 5, False),
    ],
    ids=["any rows", "entities", "newest", "forecast", "cross-validation"],
)
def test_only_rows_that_nothing_ties_together_may_be_read_elsewhere(split, series, folds, expected):
    plan: Any = SimpleNamespace(split=split, series=series)
    assert fits(replace(GIVEN, folds=GIVEN.folds * folds), plan) is expected
