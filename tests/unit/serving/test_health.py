"""Pitfalls 5.1 and 5.9: readiness is a real prediction, made here and nowhere else."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from modelyard_runtime.serving import health as module
from modelyard_runtime.serving.health import Health


@pytest.fixture
def executor():
    with ThreadPoolExecutor(1) as made:
        yield made


async def test_a_pod_is_ready_once_the_example_was_predicted(executor):
    health = Health(lambda: None, executor)
    assert (health.state, health.ready) == ("starting", False)
    await health.probe()
    assert (health.state, health.ready, health.alive) == ("ready", True, True)


async def test_a_prediction_that_fails_takes_the_pod_out_until_one_works(executor):
    works = False

    def predict():
        if not works:
            raise RuntimeError

    health = Health(predict, executor)
    await health.probe()
    assert not health.ready
    works = True
    await health.probe()
    assert health.ready


async def test_a_blocked_executor_takes_the_pod_out_and_then_kills_it(executor, monkeypatch):
    monkeypatch.setattr(module, "PROBE_TIMEOUT_SECONDS", 0.01)
    release = threading.Event()
    executor.submit(release.wait)
    health = Health(lambda: None, executor)
    await health.probe()
    assert (health.state, health.alive) == ("failing", True)
    monkeypatch.setattr(module, "DEAD_SECONDS", 0.0)
    assert not health.alive
    release.set()


async def test_draining_is_for_good(executor):
    health = Health(lambda: None, executor)
    await health.probe()
    health.drain()
    await health.probe()
    assert (health.state, health.ready, health.draining) == ("draining", False, True)
