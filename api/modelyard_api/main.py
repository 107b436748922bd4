"""Entry of the façade's process: ``modelyard-api``."""

import os
import signal
from types import FrameType

import prometheus_client
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from modelyard_api import logs
from modelyard_api.app import create_app, surround
from modelyard_api.protocol import BoundedProtocol
from modelyard_api.services import Services
from modelyard_api.settings import Settings

#: More than the 60 s of common load balancers, so that they close idle connections and not we.
KEEP_ALIVE_SECONDS = 75


class Server(uvicorn.Server):
    """Ends streams when it is asked to end: uvicorn would wait for them first."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal."""
        services: Services | None = getattr(self._app.state, "services", None)
        if services:
            services.draining.set()
        if sig == signal.SIGTERM and not self.should_exit:
            # Remembered by uvicorn it would be raised again at the end, as if it had been ignored.
            self.should_exit = True
        else:
            super().handle_exit(sig, frame)


def main() -> None:
    """Serve until asked to end."""
    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    prometheus_client.start_http_server(settings.metrics_port)
    app = create_app(settings)
    Server(server_config(surround(app, settings), settings), app).run()


def server_config(app: ASGIApp, settings: Settings) -> uvicorn.Config:
    """How the application is served."""
    return uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=BoundedProtocol,
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
