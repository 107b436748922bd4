"""Entry of the façade's process: ``modelyard-api``."""

import os

import prometheus_client
import uvicorn

from modelyard_api import logs
from modelyard_api.app import create_asgi
from modelyard_api.settings import Settings

#: More than the 60 s of common load balancers, so that they close idle connections and not we.
KEEP_ALIVE_SECONDS = 75


def main() -> None:
    """Serve until asked to end."""
    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    prometheus_client.start_http_server(settings.metrics_port)
    uvicorn.run(
        create_asgi(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # What proxies say of the client is believed nowhere; links come from MODELYARD_PUBLIC_URL.
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )


if __name__ == "__main__":
    main()
