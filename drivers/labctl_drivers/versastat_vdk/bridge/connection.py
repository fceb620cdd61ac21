"""One connection to the bridge: bytes in, answers out, one call after the other. Who may call is decided here.

Two connections of one client are served side by side: that is how a stop gets past a call that hangs.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from labctl.errors import UsageError, WireError
from labctl_drivers.versastat_vdk.codec import Call, Fault, Value, decode_call, encode_answer, encode_fault
from labctl_drivers.versastat_vdk.faults import FaultCode
from labctl_drivers.versastat_vdk.httpframing import Framing, Message, answer
from labctl_drivers.versastat_vdk.options import PATH

log = logging.getLogger(__name__)

CALL_MAX_BYTES = 65_536
LOOPBACK = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Door:
    """Who may come in: the token, and the addresses of computers. An empty token lets loopback in alone."""

    token: str = ""
    peers: frozenset[str] = frozenset()

    def turned_away(self, peer: str, authorization: str) -> tuple[int, str] | None:
        """Return HTTP status and reason for a caller who is not let in; None for one who is."""
        if peer not in LOOPBACK and (not self.token or peer not in self.peers):
            return 403, f"{peer} is not on the list of peers"
        if self.token and not hmac.compare_digest(
            authorization.encode("utf-8", "surrogateescape"), f"Bearer {self.token}".encode()
        ):
            return 401, "the token is missing or wrong"
        return None


class Connection:
    """Reads the calls of one connection; ``feed`` returns what is to be sent, and whether to hang up behind it."""

    def __init__(self, door: Door, peer: str, serve: Callable[[str, Call], Awaitable[Value | Fault]]) -> None:
        self._door = door
        self._peer = peer
        self._serve = serve
        self._framing = Framing(CALL_MAX_BYTES)

    async def feed(self, data: bytes) -> tuple[bytes, bool]:
        """Serve the calls that are complete now."""
        try:
            messages = self._framing.feed(data)
        except WireError as error:
            log.warning("hung up on %s: %s", self._peer, error.problem)
            return answer(400, b"not HTTP as the bridge speaks it"), True
        said = b""
        for message in messages:
            said += await self._answered(message)
        return said, False

    async def _answered(self, message: Message) -> bytes:
        away = self._door.turned_away(self._peer, message.headers.get("authorization", ""))
        if away is not None:
            log.warning("turned away %s: %s", self._peer, away[1])
            return answer(
                away[0], away[1].encode(), {"WWW-Authenticate": "Bearer"} if away[0] == 401 else None
            )
        verb, _, rest = message.start.partition(" ")
        if verb != "POST":
            return answer(405, b"POST only", {"Allow": "POST"})
        if rest.partition(" ")[0] != PATH:
            return answer(404, f"the calls are at {PATH}".encode())
        try:
            call = decode_call(message.body)
        except WireError as error:
            return answer(200, encode_fault(Fault(FaultCode.NOT_XML_RPC, error.problem)))
        return answer(200, _body(await self._serve(message.headers.get("x-labctl-client", ""), call)))


def _body(told: Value | Fault) -> bytes:
    try:
        return encode_fault(told) if isinstance(told, Fault) else encode_answer(told)
    except UsageError as error:
        return encode_fault(Fault(FaultCode.LIBRARY, f"it answers what cannot be sent: {error.problem}"))
