"""kopf's lists and watches as they pass: an answer 410 is got over, a list anew is told of.

kopf begins a watch anew where the API server says within the stream that its version is too old.
Where that is the answer itself, to a watch or to the next page of a list, kopf gives the watch up
for good, and with it the process. And what it lists anew is what there is, not what went meanwhile:
that is for a resync to find.
"""

import asyncio
import logging
from http import HTTPStatus

import aiohttp
from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

logger = logging.getLogger(__name__)

#: Between a list that expired and the next.
AGAIN_AFTER = 1.0


class Relists:
    """A middleware of kopf's HTTP session, and the news that something may have been missed."""

    def __init__(self) -> None:
        self._listed: set[str] = set()
        self.missed = asyncio.Event()

    async def pass_on(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """Send the request; the middleware that aiohttp calls.

        Raises aiohttp's errors of lost connections where kopf shall begin anew.
        """
        if "watch" in request.url.query:
            return await self._watch(request, handler)
        self._note_list(request)
        answer = await handler(request)
        if answer.status != HTTPStatus.GONE:
            return answer
        answer.release()
        await asyncio.sleep(AGAIN_AFTER)
        msg = "the list has expired and is begun anew"
        raise aiohttp.ClientPayloadError(msg)

    async def _watch(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """A watch of a version that is too old is one of none, which begins with all there is."""
        answer = await handler(request)
        if answer.status != HTTPStatus.GONE:
            return answer
        answer.release()
        logger.info("watch expired, begun anew", extra={"path": request.url.path})
        self.missed.set()
        request.url = request.url.without_query_params("resourceVersion")
        answer = await handler(request)
        if answer.status != HTTPStatus.GONE:
            return answer
        answer.release()
        msg = "the watch has expired though it named no version"
        raise aiohttp.ClientConnectionError(msg)

    def _note_list(self, request: ClientRequest) -> None:
        """Every list but the first of a path is one anew; further pages are of the same list."""
        if "continue" in request.url.query:
            return
        if request.url.path in self._listed:
            self.missed.set()
        self._listed.add(request.url.path)
