"""The bridge on a real socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from labctl_drivers.versastat_vdk.bridge.connection import Connection, Door
from labctl_drivers.versastat_vdk.bridge.service import Service

log = logging.getLogger(__name__)

CONNECTIONS_MAX = 32
"""A driver has two; the rest is room for those who are turned away."""

READ_BYTES = 65_536


@asynccontextmanager
async def listening(service: Service, door: Door, host: str, port: int) -> AsyncIterator[int]:
    """Serve while the block runs; yields the port. Raises: OSError where the address cannot be had."""
    open_now: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        try:
            if len(open_now) <= CONNECTIONS_MAX:
                await _talk(service, door, reader, writer)
        except ConnectionError as error:
            log.info("connection lost: %s", error)
        finally:
            open_now.discard(writer)
            writer.close()

    server = await asyncio.start_server(serve, host, port)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for writer in list(open_now):
            writer.close()
        await server.wait_closed()


async def _talk(
    service: Service, door: Door, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    peer = writer.get_extra_info("peername")[0]
    connection = Connection(door, peer, service.answer)
    while data := await reader.read(READ_BYTES):
        said, hang_up = await connection.feed(data)
        writer.write(said)
        await writer.drain()
        if hang_up:
            return
