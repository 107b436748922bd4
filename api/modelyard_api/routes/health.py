"""Health, for the kubelet: no credential, no limits, not in the document."""

from fastapi import APIRouter
from starlette.responses import JSONResponse

from modelyard_api.routes.dependencies import ServicesDep

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
async def healthz(services: ServicesDep) -> JSONResponse:
    """Whether the event loop turns and the watches run."""
    alive = services.caches.alive
    return JSONResponse({"status": "ok" if alive else "a watch has ended"}, 200 if alive else 503)


@router.get("/readyz")
async def readyz(services: ServicesDep) -> JSONResponse:
    """Whether the caches have been filled; they answer also while the API server is away."""
    ready = not services.caches.filling
    return JSONResponse({"status": "ok" if ready else "filling caches"}, 200 if ready else 503)
