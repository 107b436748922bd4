"""kopf's way in: the same configuration as our own client, renewed before a token gets old."""

from datetime import UTC, datetime, timedelta

import aiohttp
import kopf
from aiohttp import ClientMiddlewareType
from kubernetes.aio.client import Configuration

#: Bound tokens are rotated within an hour; kopf keeps what it got until it expires.
RENEWED_AFTER = timedelta(minutes=5)


async def open_session(
    configuration: Configuration, middleware: ClientMiddlewareType
) -> kopf.AiohttpSession:
    """How kopf connects, from the client's configuration; kopf closes it."""
    authorization = await configuration.get_api_key_with_prefix("BearerToken", "authorization")
    scheme, _, token = (authorization or "").partition(" ")
    info = kopf.ConnectionInfo(
        server=configuration.host,
        ca_path=configuration.ssl_ca_cert,
        insecure=not configuration.verify_ssl,
        certificate_path=configuration.cert_file,
        private_key_path=configuration.key_file,
        scheme=scheme.capitalize() if token else None,
        token=token.strip() or None,
    )
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=info.as_ssl_context()),
        headers=info.as_http_headers(),
        middlewares=(middleware,),
    )
    return kopf.AiohttpSession(
        server=info.server,
        aiohttp_session=session,
        # A client certificate is not renewed, so neither is the connection.
        expiration=datetime.now(UTC) + RENEWED_AFTER if token else None,
    )
