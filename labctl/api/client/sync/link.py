# Made from labctl/api/client/aio/link.py by `python -m labctl.api.client.generate`.
"""One station over HTTP: sends calls, goes on after a restart of the station, never does a thing twice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from labctl import __version__
from labctl.api.client.address import Address, Locate, ssl_context
from labctl.api.client.answers import (
    FateUnknown,
    Route,
    body_of,
    lost,
    new_key,
    pause_s,
    query_of,
    refuse,
    table_of,
)
from labctl.api.messages import ACTING_HEADER, KEY_HEADER, PREFIX, TOKEN_HEADER, Body
from labctl.clock import link_now_s, link_pause
from labctl.errors import LabctlError, LinkClosed
from labctl.model.typed import from_plain

if TYPE_CHECKING:
    import pyarrow as pa

T = TypeVar("T")

PATIENCE_S = 30.0
"""Link seconds that a call waits for a station that is being restarted."""
CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 120.0
UNKNOWN_TOKEN, TOO_MANY = 401, 429


@dataclass(slots=True, eq=False)
class Connection:
    """One pool of sockets to one life of the station. Closed when it is given up and nobody uses it any more."""

    http: httpx.Client
    address: Address
    epoch: str = ""
    users: int = 0
    given_up: bool = False


class Link:
    """Calls of one client. Reading is repeated after a lost connection; an act is, only where it is done once."""

    def __init__(
        self,
        locate: Locate,
        *,
        person: str = "",
        patience_s: float = PATIENCE_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Name the station; nothing is said before the first call.

        ``person`` says who sits before a program with the owner's token: the name goes into the journal.
        ``transport`` is for tests.
        """
        self._locate = locate
        self._person = person
        self._patience_s = patience_s
        self._transport = transport
        self._connection: Connection | None = None
        self.address: Address | None = None
        self.epoch = ""

    def open(self) -> None:
        """Find the station and say hello once. Raises: LinkClosed when it does not answer."""
        self._give_up(self._connection)
        self.address = address = self._locate()
        connection = Connection(self._client(address), address)
        try:
            answer = _let_go(connection.http.get(f"{PREFIX}/hello"))
            if answer.status_code != 200:
                refuse(answer.status_code, answer.content, "hello")
            connection.epoch = str(answer.json().get("epoch", ""))
        except httpx.TransportError as error:
            connection.http.close()
            raise lost(error, "hello", address.url) from error
        except BaseException:  # cancelled too: nobody else knows of this connection yet
            connection.http.close()
            raise
        self._give_up(self._connection)  # another call may have opened one meanwhile
        self._connection, self.epoch = connection, connection.epoch

    def _client(self, address: Address) -> httpx.Client:
        context = ssl_context(address)
        headers = {
            TOKEN_HEADER.encode(): f"Bearer {address.token}".encode(),
            b"User-Agent": f"labctl/{__version__}".encode(),
        }
        if self._person:
            headers[ACTING_HEADER.encode()] = self._person.encode()
        return httpx.Client(
            base_url=address.url,
            headers=headers,
            timeout=httpx.Timeout(ANSWER_TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            verify=True if context is None else context,
            trust_env=False,  # a token must not go through a proxy that an environment names
            transport=self._transport,
        )

    def close(self) -> None:
        """Hang up; may be called twice."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.http.close()

    def _give_up(self, connection: Connection | None) -> None:
        """Use a connection for no new call; those under way on it end as they may."""
        if connection is None:
            return
        if self._connection is connection:
            self._connection = None
        connection.given_up = True
        if connection.users == 0:
            connection.http.close()

    def call(
        self,
        route: Route[T],
        *parts: str,
        query: Mapping[str, Any] | None = None,
        body: Body | None = None,
        key: str = "",
    ) -> T:
        """Do an operation and return its value.

        Raises: UserInputError, ProgramError, ConflictError, StoreError as the station says; LinkClosed when it does
        not answer, or when an act was cut by its end.
        """
        answer = self._asked(route, parts, query or {}, body, key)
        try:
            return from_plain(route.result, answer.json())
        except ValueError as error:
            problem = f"the station's answer to {route.path} is not understood: {error}"
            raise LabctlError(f"{problem} Are station and client of the same version?") from error

    def table(self, route: Route[T], *parts: str, query: Mapping[str, Any] | None = None) -> pa.Table:
        """Do an operation that answers with an Arrow stream."""
        return table_of((self._asked(route, parts, query or {}, None, "")).content)

    def _asked(
        self,
        route: Route[T],
        parts: tuple[str, ...],
        query: Mapping[str, Any],
        body: Body | None,
        key: str,
    ) -> httpx.Response:
        url, headers, content = route.url(*parts), {}, None
        if route.changes:
            headers = {"Content-Type": "application/json", KEY_HEADER: key or new_key()}
            content = body_of(body)
        until_s = link_now_s() + self._patience_s
        attempt, sent_to = 0, ""
        while True:
            attempt += 1
            connection: Connection | None = None
            try:
                connection = self._connected()
                if sent_to and sent_to != connection.epoch:
                    raise FateUnknown(route.path)
                asked = connection.http.build_request(
                    route.method, url, params=query_of(query), content=content, headers=headers
                )
                answer = self._sent(connection, asked)
                self._check_place(connection, answer)
                if answer.status_code != TOO_MANY or link_now_s() > until_s:
                    break
            except FateUnknown:
                raise
            except (httpx.TransportError, LinkClosed) as error:
                if connection is not None and route.changes and _perhaps_done(error):
                    sent_to = connection.epoch
                self._give_up(connection)
                if link_now_s() > until_s:
                    raise self._gone(error, route.path) from error
            link_pause(pause_s(attempt))
        if answer.status_code >= 300:
            refuse(answer.status_code, answer.content, route.path)
        return answer

    def _connected(self) -> Connection:
        while (connection := self._connection) is None:
            self.open()
        return connection

    def _check_place(self, connection: Connection, answer: httpx.Response) -> None:
        """Raise LinkClosed where a stranger does not know our token: the port of a dead station is anybody's."""
        if answer.status_code == UNKNOWN_TOKEN and self._locate() != connection.address:
            problem = f"the station does not answer at {connection.address.url} any more"
            raise LinkClosed(problem, instrument="station", operation="connect")

    def _sent(self, connection: Connection, asked: httpx.Request) -> httpx.Response:
        """Send a request; the last one on a connection that was given up closes it."""
        connection.users += 1
        try:
            return _let_go(connection.http.send(asked))
        finally:
            connection.users -= 1
            if connection.given_up and connection.users == 0:
                connection.http.close()

    def _gone(self, error: Exception, what: str) -> LinkClosed:
        if isinstance(error, LinkClosed):
            return error
        return lost(error, what, self.address.url if self.address is not None else "the station")


def _let_go(answer: httpx.Response) -> httpx.Response:
    """Take the stream from an answer that is read: it refers back to its answer.

    Both would wait for Python's collector, which in a large program looks at old objects every quarter of an hour, and
    megabytes of content with them.
    """
    answer.stream = httpx.ByteStream(b"")
    return answer


def _perhaps_done(error: Exception) -> bool:
    """Tell whether the station may have got the request before the connection broke."""
    unsent = httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout
    return isinstance(error, httpx.TransportError) and not isinstance(error, unsent)
