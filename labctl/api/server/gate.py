"""Stands before every route: Host, Origin, method, token, rate, size, repetition, in this order (X02 to X04).

A refused request never reaches a route, and what it said is not repeated in the answer. Nothing here is ever in a
log but the path: no token, no body.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labctl.api.messages import ACTING_HEADER, KEY_HEADER, PREFIX
from labctl.api.server.answers import Refusal, refused
from labctl.api.server.caps import FAILURE_BURST, FAILURES_PER_S, Rates, body_max, checked_json
from labctl.api.server.crashes import CrashReports
from labctl.api.server.needs import ACTOR
from labctl.api.server.once import KEY_MAX, Answer, Once
from labctl.errors import UserInputError
from labctl.model.person import Actor, Role
from labctl.station.people import checked_name

if TYPE_CHECKING:
    from labctl.station.core import StationCore

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
PUBLIC = frozenset({"/"})
"""The status page: a file without data (X17). Everything else needs a token."""
STOP_ALL = f"{PREFIX}/stop-all"
"""Never too often: whoever wants to stop everything is heard, whatever the program beside it has asked before."""
UNREPEATED = (f"{PREFIX}/people",)
"""Answers with a token in them are not kept, not even in memory."""
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Doors:
    """Which names the station answers to. ``secure`` = over TLS."""

    hosts: frozenset[str] = frozenset(LOOPBACK_HOSTS)
    secure: bool = False

    @classmethod
    def of(cls, hosts: Iterable[str], *, secure: bool = False) -> Doors:
        """Return the doors of some more host names."""
        return cls(frozenset({*LOOPBACK_HOSTS, *(host.lower() for host in hosts)}), secure)

    def admit(self, headers: list[tuple[bytes, bytes]]) -> None:
        """Check Host, then Origin; also when there is no Origin (DNS rebinding). Raises: Refusal."""
        hosts = [value for name, value in headers if name.lower() == b"host"]
        host = hosts[0].decode("latin-1").lower() if len(hosts) == 1 else ""
        if _name_of(host) not in self.hosts:
            raise Refusal(
                403, "The station does not answer to this Host.", fix="List the name under 'hosts' of 'api'."
            )
        origins = [value for name, value in headers if name.lower() == b"origin"]
        if not origins:
            return
        scheme = "https" if self.secure else "http"
        if len(origins) > 1 or origins[0].decode("latin-1").lower() != f"{scheme}://{host}":
            raise Refusal(403, "Pages of other sites may not use the station.")


def _stops(path: str) -> bool:
    """Tell whether a call stops outputs: a person who stops a bench of 1,024 cells at once calls so often."""
    return path == STOP_ALL or (path.startswith(f"{PREFIX}/runs/") and path.endswith("/stop"))


def _name_of(host: str) -> str:
    """Return a Host header without its port; empty where it is malformed."""
    if not host or any(sign in host for sign in "/@?#\\ ,"):
        return ""
    try:
        parts = urlsplit(f"//{host}")
        port = parts.port
    except ValueError:
        return ""
    tail = "" if port is None else f":{port}"
    name = host.removesuffix(tail) if tail else host
    return name if f"{name}{tail}" == host else ""


class Gate:
    """The ASGI middleware before the routes."""

    def __init__(self, app: ASGIApp, core: StationCore, doors: Doors, crashes: CrashReports) -> None:
        self._app = app
        self._core = core
        self._doors = doors
        self._crashes = crashes
        self._rates = Rates()
        self._failures = Rates(FAILURES_PER_S, FAILURE_BURST)
        self._once = Once()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or answer it with why not."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the upgrade; the token comes as the first message (X17)."""
        try:
            self._doors.admit(scope["headers"])
            self._count(f"stream {_address(scope)}")
        except Refusal as refusal:
            log.warning("stream refused path=%r why=%r", scope["path"], str(refusal))
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._admitted(scope, receive, noting)
        except Refusal as refusal:
            log.warning("refused path=%r status=%d why=%r", scope["path"], refusal.status, str(refusal))
            await refused(refusal.status, refusal.failure)(scope, receive, noting)
        except Exception as error:  # a bug: told to a person in a file, to the client without its insides
            name = await self._crashes.keep(error, f"{scope['method']} {scope['path']}")
            if started:
                raise
            text = f"The station has a bug; it goes on. The report {name} lies in its data folder."
            await refused(500, Refusal(500, text).failure)(scope, receive, noting)

    async def _admitted(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = scope["headers"]
        self._doors.admit(headers)
        method = scope["method"]
        if method not in ("GET", "HEAD", "POST"):
            raise Refusal(405, "The station knows GET and POST only.")
        if scope["path"] in PUBLIC and method != "POST":
            self._count(_address(scope))
            await self._app(scope, receive, send)
            return
        actor = self._actor(scope, headers)
        if not _stops(scope["path"]):
            self._count(f"{actor.name} {_address(scope)}")
        scope.setdefault("state", {})[ACTOR] = actor
        if method != "POST":
            await self._app(scope, receive, send)
            return
        kind = _header(headers, b"content-type").split(";")[0].strip().lower()
        if kind != "application/json":
            raise Refusal(415, "A change is sent as application/json.")
        body = await _body(headers, receive, body_max(scope["path"]))
        checked_json(body)
        await self._act(scope, body or b"{}", actor, send)

    def _actor(self, scope: Scope, headers: list[tuple[bytes, bytes]]) -> Actor:
        """Return who calls. Raises: Refusal."""
        given = _header(headers, b"authorization")
        scheme, _, token = given.partition(" ")
        agent = _printable(_header(headers, b"user-agent"))
        source = f"{_address(scope)} {agent}".strip()
        actor = self._core.people.identify(token.strip(), source) if scheme.lower() == "bearer" else None
        if actor is None:
            if not self._failures.admit(_address(scope), self._core.clock.link.now_s()):
                raise Refusal(429, "Too many calls without a valid token.")
            raise Refusal(
                401,
                "This needs a valid token." if given else "This needs a token.",
                fix="Send 'Authorization: Bearer <token>'; 'labctl users add' makes one.",
            )
        acting = _header(headers, ACTING_HEADER.lower().encode())
        return actor if not acting else _acting(actor, acting)

    def _count(self, client: str) -> None:
        if not self._rates.admit(client, self._core.clock.link.now_s()):
            raise Refusal(429, "Too many calls; at most 50 a second are answered.")

    async def _act(self, scope: Scope, body: bytes, actor: Actor, send: Send) -> None:
        """Do a POST, once per idempotency key."""
        key = _header(scope["headers"], KEY_HEADER.lower().encode())
        if len(key) > KEY_MAX:
            raise Refusal(422, f"An idempotency key has at most {KEY_MAX} characters.")
        if not key or scope["path"].startswith(UNREPEATED):
            await self._app(scope, _replayed(body), send)
            return
        request = Once.fingerprint(scope["path"], body)
        while True:
            try:
                other = self._once.begin(actor.name, key, request)
            except ValueError as error:
                raise Refusal(409, "This idempotency key was used for another request.") from error
            if other is None:
                break
            answer = await other
            if answer is not None:
                await _send(answer, send)
                return
        kept = _Kept(send)
        answer = None
        try:
            await self._app(scope, _replayed(body), kept)
            answer = kept.answer()
        finally:
            self._once.finish(actor.name, key, answer)


class _Kept:
    """Sends an answer on and keeps it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._status = 0
        self._headers: tuple[tuple[bytes, bytes], ...] = ()
        self._body: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status, self._headers = message["status"], tuple(message.get("headers", ()))
        elif message["type"] == "http.response.body":
            self._body.append(message.get("body", b""))
        await self._send(message)

    def answer(self) -> Answer:
        return Answer(self._status, self._headers, b"".join(self._body))


async def _send(answer: Answer, send: Send) -> None:
    headers = [*answer.headers, (b"idempotent-replay", b"true")]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _acting(actor: Actor, name_header: str) -> Actor:
    """Return who sits before a program that has the owner's token. Raises: Refusal."""
    if actor.role is not Role.ADMIN:
        raise Refusal(
            403, f"Only a token of role admin may act for others; {actor.name} has {actor.role.value}."
        )
    try:
        name = checked_name(name_header.encode("latin-1").decode("utf-8"))
    except (UnicodeDecodeError, UserInputError) as error:
        raise Refusal(422, f"{ACTING_HEADER} does not name a person.") from error
    return replace(actor, name=name, source=f"{actor.source} through {actor.name}")


async def _body(headers: list[tuple[bytes, bytes]], receive: Receive, largest: int) -> bytes:
    """Return the whole body. Raises: Refusal as soon as it is too large."""
    stated = _header(headers, b"content-length")
    if stated.isdecimal() and int(stated[:18]) > largest:
        raise Refusal(413, f"A request may have {largest} bytes.")
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "The client left.")
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > largest:
            raise Refusal(413, f"A request may have {largest} bytes.")
        if not message.get("more_body", False):
            return b"".join(parts)


def _replayed(body: bytes) -> Receive:
    """Return a receive that gives the body again."""
    given = False

    async def receive() -> Message:
        nonlocal given
        if given:
            return {"type": "http.disconnect"}
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _header(headers: list[tuple[bytes, bytes]], wanted: bytes) -> str:
    """Return a header that is there exactly once, else an empty text: a doubled one is a trick."""
    found = [value for name, value in headers if name.lower() == wanted]
    return found[0].decode("latin-1") if len(found) == 1 else ""


def _printable(text: str) -> str:
    return "".join(letter for letter in text if letter.isprintable())[:80]


def _address(scope: Scope) -> str:
    client: Any = scope.get("client")
    return str(client[0]) if client else "local"
