"""Serves the API on the station's own event loop, and tells clients of this computer where."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import ssl
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import uvicorn

from labctl.api.messages import Endpoint
from labctl.api.server.app import make_app
from labctl.api.server.certificates import fingerprint, own_certificate, server_context
from labctl.config.api import PORT_DEFAULT, Address, ApiSettings, checked, named_hosts
from labctl.errors import StoreError, UserInputError
from labctl.model.plain import to_plain
from labctl.station.ledger import FOLDER
from labctl.store.disk import replace_file

if TYPE_CHECKING:
    from labctl.station.core import StationCore

ENDPOINT = "endpoint.json"
BACKLOG = 128
CONNECTIONS_MAX = 256
"""Requests and streams at once (I14)."""
MESSAGE_MAX = 512_000
"""Bytes of a message that a client may send on a stream: it sends one, with at most ``NAMED_MAX`` names."""
GOODBYE_S = 3
"""Seconds that a closing server waits for requests under way."""
TICK_S = 0.1
"""Link seconds between two looks whether the server shall end."""


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: signals belong to ``labctl serve``."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def open_socket(address: Address) -> socket.socket:
    """Return a listening socket. Raises: UserInputError naming who or what is in the way."""
    ports = (PORT_DEFAULT, 0) if address.port is None else (address.port,)
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    problem: OSError | None = None
    for port in ports:
        # named in full: asyncio switches Nagle's delay off only where it sees that the protocol is TCP
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            if os.name == "posix":  # on Windows the same option lets two programs share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address.host, port))
            listener.listen(BACKLOG)
            listener.setblocking(False)
            return listener
        except OSError as error:
            listener.close()
            problem = error
    raise UserInputError(
        f"Cannot listen on {address.host} port {address.port}: {problem}. Choose another port."
    )


def _url(listener: socket.socket, secure: bool) -> str:
    host, port = listener.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    name = f"[{host}]" if ":" in host else host
    return f"{'https' if secure else 'http'}://{name}:{port}"


async def serve_api(
    core: StationCore, settings: ApiSettings, ready: Callable[[Endpoint], None] | None = None
) -> None:
    """Serve until cancelled. ``ready`` is called once with where it listens, when it does.

    Writes ``endpoint.json`` and the token files, removes the former at the end. Raises: UserInputError, StoreError.
    """
    checked(settings)
    await core.people.write_token_files()
    context: ssl.SSLContext | None = None
    print_ = ""
    if settings.secure:
        names = [*settings.hosts, *named_hosts(settings.listen)]
        pair = (settings.certificate, settings.key)
        if pair[0] is None or pair[1] is None:
            pair = await core.worker.call(own_certificate, core.root.path / FOLDER, names, core.clock)
        certificate, key = pair
        assert certificate is not None and key is not None
        context, print_ = server_context(certificate, key), fingerprint(certificate)
    app = make_app(core, hosts=[*settings.hosts, *named_hosts(settings.listen)], secure=settings.secure)
    sockets = [open_socket(address) for address in settings.listen]
    try:
        urls = tuple(_url(listener, settings.secure) for listener in sockets)
        local = next((url for url, at in zip(urls, settings.listen, strict=True) if at.loopback), urls[0])
        endpoint = Endpoint(local, os.getpid(), core.feed.epoch, print_, urls)
        await _run(core, _config(app, context), sockets, endpoint, ready)
    finally:
        for listener in sockets:
            listener.close()
        app.state.reader.abandon()


def _config(app: object, context: ssl.SSLContext | None) -> uvicorn.Config:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # FastAPI is an ASGI application
        loop="none",
        http="h11",
        ws="websockets-sansio",
        ws_max_size=MESSAGE_MAX,
        ws_per_message_deflate=False,  # it divides the throughput of binary frames by ten
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nobody may say who the caller is
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=GOODBYE_S,
        h11_max_incomplete_event_size=65_536,
    )
    config.load()
    config.ssl = context
    return config


async def _run(
    core: StationCore,
    config: uvicorn.Config,
    sockets: list[socket.socket],
    endpoint: Endpoint,
    ready: Callable[[Endpoint], None] | None,
) -> None:
    server = _Server(config)
    path = core.root.path / FOLDER / ENDPOINT
    text = json.dumps(to_plain(endpoint), indent=1).encode() + b"\n"
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.serve(sockets=sockets))
        try:
            while not server.started and not serving.done():
                await core.clock.link.sleep(TICK_S / 10)
            try:
                await core.worker.call(replace_file, core.root.disk, path, text)
            except OSError as error:
                raise StoreError(f"Cannot write {path}: {error}") from error
            if ready is not None:
                ready(endpoint)
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            with contextlib.suppress(OSError):
                core.root.disk.unlink(path)
            with contextlib.suppress(TimeoutError):
                async with core.clock.link.timeout(GOODBYE_S + 1):
                    await asyncio.shield(serving)
