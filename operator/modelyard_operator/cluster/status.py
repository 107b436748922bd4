"""The one door through which status is written."""

from collections.abc import Mapping
from typing import Any

from modelyard_crds import names
from modelyard_crds.base import ApiModel
from modelyard_crds.reasons import ConditionType
from modelyard_operator.cluster import metrics
from modelyard_operator.cluster.client import Api
from modelyard_operator.cluster.intake import Intake
from modelyard_operator.cluster.kinds import Kind

Raw = Mapping[str, Any]

_OUR_TYPES = frozenset(type_.value for type_ in ConditionType)


class StatusWriter:
    """Writes the status of our kinds: what is ours of it, and only when it differs."""

    def __init__(self, api: Api, intake: Intake) -> None:
        self._api = api
        self._intake = intake

    async def write(self, kind: Kind, raw: Raw, status: ApiModel) -> bool:
        """Make the status so; tells whether a write was needed.

        The apply names the resource version that the decision rests on: it loses against any
        newer state, and then is decided anew. Raises ConflictError.
        """
        desired = ours(status.to_json())
        if desired == ours(raw.get("status", {})):
            return False
        meta = raw["metadata"]
        manifest = {
            "apiVersion": kind.api_version,
            "kind": kind.kind,
            "metadata": {
                "name": meta["name"],
                "namespace": meta["namespace"],
                "uid": meta["uid"],
                "resourceVersion": meta["resourceVersion"],
            },
            "status": desired,
        }
        written = await self._api.apply(
            kind, manifest, manager=names.FIELD_MANAGER, subresource="status"
        )
        metrics.WRITES.labels(kind.kind, "status").inc()
        self._intake.learn(kind, written)
        return True


def ours(status: Raw) -> dict[str, Any]:
    """The status without other controllers' conditions, which stay theirs."""
    conditions = [item for item in status.get("conditions", ()) if item["type"] in _OUR_TYPES]
    return {**status, "conditions": sorted(conditions, key=lambda item: str(item["type"]))}
