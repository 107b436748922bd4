"""The operator's settings, read once from the environment by ``main``."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from modelyard_crds.build import STORE_MOUNT
from modelyard_operator.errors import SettingsError
from modelyard_operator.resources.runtime import Runtime

_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True)
class Settings:
    """What may differ from one installation to the next."""

    inference_image: str
    image_pull_policy: str = "IfNotPresent"
    image_pull_secrets: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    store_path: Path = Path(STORE_MOUNT)
    log_level: str = "INFO"
    health_port: int = 8080
    #: Workers for each kind.
    concurrency: int = 16
    sweep_interval: int = 3600
    #: Where serving pods send traces (OTLP over HTTP); empty for nowhere.
    otlp_endpoint: str = ""
    #: An endpoint that may propose plans, the model that it is asked for, the file with its key.
    planner_url: str = ""
    planner_model: str = ""
    planner_key_path: Path | None = None
    #: Where the Lease is; outside a cluster there is none, and no election.
    pod_namespace: str | None = None
    pod_name: str = "modelyard-operator"

    @property
    def runtime(self) -> Runtime:
        """What the builders of pods need to know."""
        return Runtime(
            image=self.inference_image,
            pull_policy=self.image_pull_policy,
            pull_secrets=self.image_pull_secrets,
            otlp_endpoint=self.otlp_endpoint,
            planner_url=self.planner_url,
            planner_model=self.planner_model,
        )


def settings_from(environment: Mapping[str, str]) -> Settings:
    """The settings in the variables MODELYARD_<FIELD>, POD_NAME and POD_NAMESPACE.

    Raises SettingsError naming every variable that is wrong, not only the first.
    """
    problems: list[str] = []
    values: dict[str, object] = {}
    for field in fields(Settings):
        variable = _variable(field.name)
        text = environment.get(variable, "").strip()
        if not text:
            continue
        try:
            values[field.name] = _PARSERS[field.name](text)
        except ValueError as error:
            problems.append(f"{variable}={text!r}: {error}")
    if "inference_image" not in values:
        problems.append("MODELYARD_INFERENCE_IMAGE is not set: name the image of training pods")
    if problems:
        raise SettingsError("; ".join(problems))
    return Settings(**values)  # type: ignore[arg-type]  # each parser gives its field's type


def _variable(field: str) -> str:
    """The kubelet's own words for the pod, ours for the rest."""
    prefix = "" if field.startswith("pod_") else "MODELYARD_"
    return f"{prefix}{field.upper()}"


def _text(text: str) -> str:
    return text


def _one_of(allowed: tuple[str, ...], text: str) -> str:
    if text not in allowed:
        msg = f"expected one of {', '.join(allowed)}"
        raise ValueError(msg)
    return text


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    wrong = [name for name in names if not _NAMESPACE.fullmatch(name)]
    if wrong:
        msg = f"{wrong[0]!r} is not a name; expected a list separated by commas"
        raise ValueError(msg)
    return names


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        msg = "expected a whole number above 0"
        raise ValueError(msg)
    return int(text)


_PARSERS: dict[str, Callable[[str], object]] = {
    "inference_image": _text,
    "image_pull_policy": lambda text: _one_of(_PULL_POLICIES, text),
    "image_pull_secrets": _names,
    "namespaces": _names,
    "store_path": Path,
    "log_level": lambda text: _one_of(_LOG_LEVELS, text.upper()),
    "health_port": _positive,
    "concurrency": _positive,
    "sweep_interval": _positive,
    "otlp_endpoint": _text,
    "planner_url": _text,
    "planner_model": _text,
    "planner_key_path": Path,
    "pod_namespace": _text,
    "pod_name": _text,
}
