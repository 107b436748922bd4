"""The environment is read once, and every mistake in it is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelyard_operator.errors import SettingsError
from modelyard_operator.settings import Settings, settings_from

IMAGE = {"MODELYARD_INFERENCE_IMAGE": "modelyard/inference:1"}


def test_defaults() -> None:
    assert settings_from(IMAGE) == Settings(inference_image="modelyard/inference:1")


def test_all_that_can_be_set() -> None:
    settings = settings_from(
        {
            **IMAGE,
            "MODELYARD_NAMESPACES": "team-a, team-b",
            "MODELYARD_IMAGE_PULL_POLICY": "Always",
            "MODELYARD_IMAGE_PULL_SECRETS": "one,two",
            "MODELYARD_STORE_PATH": "/somewhere",
            "MODELYARD_LOG_LEVEL": "debug",
            "MODELYARD_HEALTH_PORT": "9000",
            "MODELYARD_CONCURRENCY": "3",
            "MODELYARD_SWEEP_INTERVAL": "60",
            "MODELYARD_OTLP_ENDPOINT": "http://collector:4318",
            "MODELYARD_PLANNER_URL": "https://llm.example.com/v1",
            "MODELYARD_PLANNER_MODEL": "small",
            "MODELYARD_PLANNER_KEY_PATH": "/planner/key",
            "POD_NAMESPACE": "modelyard-system",
            "POD_NAME": "operator-1",
        }
    )
    assert settings == Settings(
        inference_image="modelyard/inference:1",
        image_pull_policy="Always",
        image_pull_secrets=("one", "two"),
        namespaces=("team-a", "team-b"),
        store_path=Path("/somewhere"),
        log_level="DEBUG",
        health_port=9000,
        concurrency=3,
        sweep_interval=60,
        otlp_endpoint="http://collector:4318",
        planner_url="https://llm.example.com/v1",
        planner_model="small",
        planner_key_path=Path("/planner/key"),
        pod_namespace="modelyard-system",
        pod_name="operator-1",
    )


def test_every_mistake_is_named() -> None:
    with pytest.raises(SettingsError) as error:
        settings_from(
            {
                "MODELYARD_NAMESPACES": "Team A",
                "MODELYARD_HEALTH_PORT": "zero",
                "MODELYARD_LOG_LEVEL": "loud",
            }
        )
    for variable in ("NAMESPACES", "HEALTH_PORT", "LOG_LEVEL", "INFERENCE_IMAGE"):
        assert f"MODELYARD_{variable}" in str(error.value)
