"""Whether the API server has our kinds, with all fields: an older CRD would silently drop some."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any

from modelyard_crds import names
from modelyard_crds.base import Resource
from modelyard_crds.schema import KINDS, fields, root_schema
from modelyard_operator.cluster.client import Api
from modelyard_operator.cluster.kinds import Kind
from modelyard_operator.errors import NotFoundError, OutdatedError, RefusedError

logger = logging.getLogger(__name__)

CRD = Kind("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions")
_SHOWN = 5
_ADVICE = "run kubectl apply --server-side -f crds/ of this release, or upgrade with its chart"


async def check_crds(api: Api) -> None:
    """Raise OutdatedError naming what the CRDs of the API server lack."""
    lacking: list[str] = []
    for resource in KINDS:
        name = f"{resource.info.plural}.{names.GROUP}"
        try:
            served = await api.get(CRD, None, name)
        except NotFoundError as error:
            msg = f"the CRD {name} is not installed: {_ADVICE}"
            raise OutdatedError(msg) from error
        except RefusedError:
            logger.warning("CRDs may not be read, so they are not compared", extra={"crd": name})
            return
        lacking += missing_fields(resource, served)
    if lacking:
        shown = ", ".join(lacking[:_SHOWN])
        msg = f"the CRDs are older than this operator and lack {shown}: {_ADVICE}"
        raise OutdatedError(msg)


def missing_fields(resource: type[Resource], served: Mapping[str, Any]) -> Iterator[str]:
    """The paths of fields that a served CRD does not have."""
    version: Mapping[str, Any] = next(
        (item for item in served["spec"]["versions"] if item["name"] == names.VERSION), {}
    )
    found = {path for path, _ in fields(version.get("schema", {}).get("openAPIV3Schema", {}))}
    for path, _ in fields(root_schema(resource)):
        if path not in found:
            yield f"{resource.info.kind}.{path.lstrip('.')}"
