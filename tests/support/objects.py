"""Builders of the four kinds with sensible fields; keyword arguments go into the spec."""

from __future__ import annotations

from typing import Any

API_VERSION = "modelyard.dev/v1alpha1"
#: The ModelDeployment of most tests.
DEPLOYMENT = "tumours-production"
Object = dict[str, Any]


def _object(kind: str, name: str, spec: Object) -> Object:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


def dataset(name: str = "tumours", uri: str = "example://breast_cancer", **spec: Any) -> Object:
    """A Dataset; by default one that ships with the runtime."""
    return _object("Dataset", name, {"source": {"uri": uri}} | spec)


def model(name: str = "tumours", **spec: Any) -> Object:
    """A Model that learns quickly, from the Dataset of its own name."""
    quick = {
        "intent": "Predict whether a tumour is malignant or benign",
        "datasetRef": {"name": name},
        "training": {"maxIterations": 2, "timeBudget": "60s"},
    }
    return _object("Model", name, quick | spec)


def deployment(name: str = DEPLOYMENT, model: str = "tumours", **spec: Any) -> Object:
    """A ModelDeployment of one pod."""
    return _object("ModelDeployment", name, {"modelRef": {"name": model}} | spec)


def version(model: str = "tumours", number: int = 1, **spec: Any) -> Object:
    """A ModelVersion, complete and valid."""
    complete = {
        "modelRef": {"name": model},
        "version": number,
        "specHash": "0" * 64,
        "build": {
            "intent": "Predict whether a tumour is malignant or benign",
            "datasetRef": {"name": model},
            "datasetDigest": "sha256:" + "0" * 64,
            "source": {"uri": "example://breast_cancer"},
            "training": {},
        },
    }
    return _object("ModelVersion", f"{model}-v{number}", complete | spec)
