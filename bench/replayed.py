"""What stands around a façade under measurement: an API server that replays, and a pod.

``replayed.py api PORT FOLDER`` answers the lists that the folder has and holds watches open;
``replayed.py pod PORT`` answers each prediction with the same bytes, so that what is measured is
the way there and back.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import uvloop
from aiohttp import web

RESULT = {"will_churn": False, "probability": 0.25}
ENVELOPE = {
    "request_id": "req_000000000000",
    "result": RESULT,
    "model_name": "m00000",
    "model_version": "v1.0",
    "created_at": "2026-01-01T00:00:00Z",
}


class Pod(asyncio.Protocol):
    """Answers POST /infer with one result and POST /predictions with one for each row."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end]).lower()
            length = int(head.split(b"content-length:", 1)[1].split(b"\r\n", 1)[0])
            last = end + 4 + length
            if len(self._buffer) < last:
                return
            body = bytes(self._buffer[end + 4 : last])
            del self._buffer[:last]
            self._answer(body)

    def _answer(self, body: bytes) -> None:
        one = json.dumps({"prediction": RESULT}).encode()
        rows = body.count(b"{") if body.startswith(b"[") else 0
        content = b"[" + b",".join([one] * rows) + b"]" if rows else json.dumps(ENVELOPE).encode()
        head = (
            f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
        )
        self._transport.write(head.encode() + b"\r\n\r\n" + content)


async def serve_pod(port: int) -> None:
    """Answer predictions until the process is ended."""
    server = await asyncio.get_running_loop().create_server(Pod, "127.0.0.1", port)
    await server.serve_forever()


def api_server(folder: Path) -> web.Application:
    """Lists by the last part of their path; a watch says nothing until its client goes."""

    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            file = folder / f"{request.path.rsplit('/', 1)[-1]}.json"
            return web.Response(body=file.read_bytes(), content_type="application/json")
        stream = web.StreamResponse()
        await stream.prepare(request)
        await asyncio.sleep(float(request.query.get("timeoutSeconds", "240")))
        return stream

    async def changed(_request: web.Request) -> web.Response:
        return web.json_response({"metadata": {}})

    app = web.Application()
    app.router.add_get("/{tail:.*}", answer)
    # The façade notes when a key was used.
    app.router.add_patch("/{tail:.*}", changed)
    return app


if __name__ == "__main__":
    what, port_, *folder_ = sys.argv[1:]
    if what == "pod":
        uvloop.run(serve_pod(int(port_)))
    else:
        # Watches are open to the end; aiohttp would wait a minute for them.
        web.run_app(
            api_server(Path(folder_[0])),
            host="127.0.0.1",
            port=int(port_),
            print=None,
            shutdown_timeout=0.1,
        )
