"""What can be set from outside: environment variables, read once by ``main``."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, Json, field_validator
from pydantic.alias_generators import to_camel

from modelyard_crds import build

MEBIBYTE = 1024 * 1024
DEFAULT_TIER = "default"


class Tier(BaseModel):
    """What a key may do, as the chart's values spell it; 0 a minute is no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel)

    requests_per_minute: int = Field(500, ge=0, description="Management requests of a key.")
    predictions_per_minute: int = Field(0, ge=0, description="Predictions of a key.")
    predictions_at_a_time: int = Field(512, ge=1, description="Predictions of its account.")


class Settings(BaseModel):
    """Each field is the environment variable MODELYARD_ and its name in capitals."""

    model_config = ConfigDict(frozen=True)

    namespace: str = Field("modelyard-system", description="Where keys are kept: the own one.")
    namespaces: str = Field("", description="Accounts that are served, by commas; empty: all.")
    host: str = "0.0.0.0"  # noqa: S104 - a server in a pod
    port: int = 8080
    metrics_port: int = 9090
    log_level: str = "INFO"
    public_url: str = Field("", description="How clients reach it; empty: as the request did.")
    kubeconfig: str = Field("", description="Path of a kubeconfig; empty: the pod's account.")
    store_mount: str = build.STORE_MOUNT

    max_body_bytes: int = Field(MEBIBYTE, description="Most bytes of a management request.")
    max_prediction_bytes: int = Field(32 * MEBIBYTE, description="Most bytes to predict from.")
    max_upload_bytes: int = Field(5 * 1024 * MEBIBYTE, description="Most bytes of an upload.")

    presigned_uploads: bool = Field(False, description="Clients PUT files into the store itself.")
    presigned_endpoint: str = Field("", description="Where clients reach the store; empty: as we.")
    presigned_seconds: int = Field(3600, description="How long such an address is good for.")

    tiers: Json[dict[str, Tier]] = Field(
        {DEFAULT_TIER: Tier()}, description="What keys may do, by the tier that they are of."
    )
    rate_limit_store: str = Field("", description="redis:// URL; empty: each replica counts.")
    max_in_flight: int = Field(1024, description="Predictions at a time.")
    max_in_flight_bytes: int = Field(128 * MEBIBYTE, description="Bytes predicted from at a time.")

    prediction_timeout_seconds: float = Field(30.0, description="For one prediction, all tries.")
    hold_seconds: float = Field(20.0, description="Wait for a deployment that is starting.")
    token_cache_seconds: float = Field(10.0, description="How long a token's check is believed.")
    shutdown_seconds: int = Field(25, description="For requests in flight when asked to end.")

    @field_validator("tiers")
    @classmethod
    def _has_default(cls, tiers: dict[str, Tier]) -> dict[str, Tier]:
        return {DEFAULT_TIER: Tier(), **tiers}

    def tier(self, name: str) -> Tier:
        """A tier by its name; keys of a tier that is not there any more have the default."""
        return self.tiers.get(name) or self.tiers[DEFAULT_TIER]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings in environment variables.

        Raises pydantic.ValidationError, which names the variable's field and its value.
        """
        given = {
            name: environment[f"MODELYARD_{name.upper()}"]
            for name in cls.model_fields
            if f"MODELYARD_{name.upper()}" in environment
        }
        if "POD_NAMESPACE" in environment:
            given.setdefault("namespace", environment["POD_NAMESPACE"])
        return cls.model_validate(given)

    @property
    def served_accounts(self) -> frozenset[str]:
        """Accounts that are served; empty: all."""
        return frozenset(name.strip() for name in self.namespaces.split(",") if name.strip())
