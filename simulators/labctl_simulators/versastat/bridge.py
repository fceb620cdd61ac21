"""The bridge before the library: who may call, who holds the lease, and what happens when it runs out.

labctl's bridge wants a token where it has one, and a lease of the client for every call but a few; the public one has
neither, offers no experiments, and switches the cell **on** when asked for ``SetAutoIRangeOff``. The header that names
a client and the codes of refusals are labctl's own. Source: potentiostat.md 2.2.3.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from labctl_simulators.versastat.calls import EVER, METHODS, PUBLIC, Method
from labctl_simulators.versastat.http import Request
from labctl_simulators.versastat.rpc import Call, CallFault, Code
from labctl_simulators.versastat.vdk import LibraryError, Vdk

PATH = "/VersaStatServer.rem"
CLIENT_HEADER = "x-labctl-client"
INFO, LEASE = "BridgeInfo", "BridgeLease"
BRIDGE = {"name": "labctl-vdk-bridge", "version": "1.0 (simulated)", "has_experiment": True}
LEASE_MIN_s, LEASE_MAX_s = 1.0, 600.0
FOREIGN = "somebody else"
TRAP = "SetAutoIRangeOff"
UNATTENDED = (INFO, LEASE, *EVER)
"""Served while another call is stuck in the library."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who may call until when."""

    client: str
    until_s: float
    number: int


class Bridge:
    """One bridge with its library. ``on_changed`` is told each call that a bench writes down, ``on_leased`` each lease
    (0 s: its end) that was asked for.
    """

    def __init__(self, vdk: Vdk, now_s: Callable[[], float], *, token: str, public: bool) -> None:
        self.vdk = vdk
        self.token, self.public = token, public
        self.lease: Lease | None = None
        self.lapses = 0
        self.wrong_peer = False
        self.throwing: dict[str, int] = {}
        self.on_changed: Callable[[str, list[Any]], None] = lambda method, parameters: None
        self.on_leased: Callable[[str, float], None] = lambda client, seconds: None
        self.on_trap: Callable[[], None] = lambda: None
        self._now_s = now_s
        self._leases = 0

    # -- who may call --------------------------------------------------------------------------------------

    def admit(self, request: Request) -> HTTPStatus:
        """Return OK for a request that may be read, else what refuses it."""
        if request.problem is not None:
            return request.problem
        if self.wrong_peer:
            return HTTPStatus.FORBIDDEN
        given, wanted = request.headers.get("authorization", ""), f"Bearer {self.token}"
        if self.token and not hmac.compare_digest(given.encode(), wanted.encode()):
            return HTTPStatus.UNAUTHORIZED
        if request.path != PATH:
            return HTTPStatus.NOT_FOUND
        return HTTPStatus.OK if request.verb == "POST" else HTTPStatus.METHOD_NOT_ALLOWED

    def _need_lease(self, client: str, name: str) -> None:
        if self.lease is None:
            if name not in EVER:
                raise CallFault(Code.NO_LEASE, f"{name} needs a lease: call {LEASE} first")
        elif self.lease.client != client:
            raise CallFault(Code.HELD_BY_ANOTHER, f"the lease is held by {self.lease.client!r}")

    # -- the lease -----------------------------------------------------------------------------------------

    def take_lease(self, client: str, seconds: float) -> None:
        """Take or renew the lease for a client."""
        self._leases += 1
        self.lease = Lease(client, self._now_s() + seconds, self._leases)
        self.on_leased(client, seconds)

    def expire(self, number: int) -> None:
        """End a lease whose time has come; a renewed one goes on."""
        if self.lease is not None and self.lease.number == number:
            self.lapses += 1
            self._make_safe()

    def give_up(self, client: str) -> None:
        """End the lease as its client asks."""
        self._make_safe()
        self.on_leased(client, 0.0)

    def _make_safe(self) -> None:
        """Let the lease go: the sequence is stopped and the cell switched off, once."""
        self.lease = None
        if self.vdk.connected:
            self.vdk.stop()
            self.vdk.set_cell(False)

    def _leased(self, client: str, call: Call) -> bool:
        parameters = list(call.parameters)
        seconds = parameters[0] if len(parameters) == 1 else math.nan
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            seconds = math.nan
        if not (seconds == 0 or LEASE_MIN_s <= seconds <= LEASE_MAX_s):
            text = f"{LEASE} takes 0, or {LEASE_MIN_s:g} to {LEASE_MAX_s:g} s"
            raise CallFault(Code.WRONG_PARAMETERS, text)
        if self.lease is not None and self.lease.client != client:
            raise CallFault(Code.HELD_BY_ANOTHER, f"the lease is held by {self.lease.client!r}")
        if seconds == 0:
            self.give_up(client)
        else:
            self.take_lease(client, float(seconds))
        return True

    # -- calls ---------------------------------------------------------------------------------------------

    def answer(self, client: str, call: Call) -> object:
        """Do a call and return its result. Raises: CallFault."""
        if not self.public and call.method == INFO:
            return BRIDGE
        if not self.public and call.method == LEASE:
            return self._leased(client, call)
        method = (PUBLIC if self.public else METHODS).get(call.method)
        if method is None:
            raise CallFault(Code.NO_SUCH_METHOD, f"there is no method {call.method!r}")
        parameters = method.checked(call.method, call.parameters)
        if not self.public:
            self._need_lease(client, call.method)
        return self._library(call.method, method, parameters)

    def _library(self, name: str, method: Method, parameters: list[Any]) -> object:
        for key in (name, ""):
            if self.throwing.get(key, 0) > 0:
                self.throwing[key] -= 1
                raise CallFault(
                    Code.LIBRARY, f"{name}: Object reference not set to an instance of an object."
                )
        try:
            if method.needs_connection:
                self.vdk.need_connection()
            result = method.act(self.vdk, *parameters)
            if self.public and name == TRAP:
                self.vdk.set_cell(True)
                self.on_trap()
        except LibraryError as error:
            raise CallFault(Code.LIBRARY, f"{name}: {error}") from error
        if method.changes:
            self.on_changed(name, parameters)
        return result

    def restart(self) -> None:
        """Come up anew: no lease, and the library holds no instrument; that one goes on."""
        self.lease = None
        self.throwing.clear()
        self.vdk.close()
