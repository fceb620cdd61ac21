"""Who may speak when: one request outstanding, each reply paired by command name, place and position. Pure.

::

    IDLE --ask--> AWAITING --reply accepted--> IDLE
    any  --WireError, reset--> (driver reconnects, next epoch) --> IDLE

The wire has no request ids (section 1.3), so a reply that came late or twice could be taken for the answer to the
next question. Three fences: bytes that are there before we ask are a WireError (while the transport still holds them,
the lane makes the connection new instead); a reply must carry the asked command's name, the asked channels in order,
and for downloads the asked test and start; and every timeout ends the connection, so that a late reply meets a closed
socket (F06). ``epoch`` counts connections.
"""

from __future__ import annotations

from enum import StrEnum

from labctl.errors import RefusedError, UsageError, WireError
from labctl_drivers.neware import messages as m
from labctl_drivers.neware.codec import decode_reply, encode_request
from labctl_drivers.neware.framing import FrameReader

SEE_CLIENT_LOG = "the API gives no reason: see the BTS Client log on the BTS PC"

_ROW_REPLIES = (m.StatusReply, m.InquireReply, m.ProgressReply, m.AcknowledgeReply)


class Phase(StrEnum):
    """What the session may do next."""

    IDLE = "idle"
    AWAITING = "awaiting"
    BROKEN = "broken"  # out of step: only reset helps


class Session:
    """One connection's conversation: requests in, bytes out; bytes in, replies out."""

    def __init__(self) -> None:
        self._reader = FrameReader()
        self._request: m.Request | None = None
        self.phase = Phase.IDLE
        self.epoch = 0

    def reset(self) -> None:
        """Begin a new connection: nothing outstanding, nothing buffered."""
        self._reader.clear()
        self._request = None
        self.phase = Phase.IDLE
        self.epoch += 1

    @property
    def has_stray(self) -> bool:
        """Tell whether bytes are here although nobody has asked."""
        return self.phase is Phase.IDLE and self._reader.pending > 0

    def ask(self, request: m.Request) -> bytes:
        """Return the request's bytes and expect its reply.

        Raises: UsageError while a reply is outstanding; WireError when bytes nobody asked for are waiting.
        """
        if self.phase is not Phase.IDLE:
            raise UsageError(
                f"the link is {self.phase.value}; one request at a time", operation=request.command
            )
        if self._reader.pending:
            self.phase = Phase.BROKEN
            raise WireError(
                "a reply that nobody asked for (late or doubled) is waiting",
                rule="1.3",
                operation=request.command,
            )
        data = encode_request(request)
        self._request = request
        self.phase = Phase.AWAITING
        return data

    def receive(self, data: bytes) -> m.Reply | None:
        """Take received bytes; return the reply once it is whole, None while it is not.

        Raises: WireError (the connection must be dropped), RefusedError (a clean no; the link stays usable).
        """
        self._reader.feed(data)
        request = self._request
        try:
            frame = self._reader.next_frame()
            if frame is None:
                return None
            if request is None:
                raise WireError("a reply that nobody asked for", data=frame, rule="1.3")
            reply = decode_reply(frame)
            check_pairing(request, reply)
        except RefusedError:
            self.phase, self._request = Phase.IDLE, None
            raise
        except WireError:
            self.phase = Phase.BROKEN
            raise
        self.phase, self._request = Phase.IDLE, None
        return reply


def check_pairing(request: m.Request, reply: m.Reply) -> None:
    """Make sure that ``reply`` answers ``request``.

    Raises: WireError for another command's reply, fewer or more rows, other channels, another test or page;
    RefusedError for a bare ``false`` where rows were expected, and for a login that is not ``ok``.
    """
    if isinstance(reply, m.ResultReply):
        _check_result(request, reply)
        return
    if reply.command != request.command:
        raise WireError(f"{reply.command} was answered, {request.command} was asked", rule="1.3 reply name")
    if isinstance(reply, _ROW_REPLIES):
        _check_rows(request, reply)
    elif isinstance(reply, m.DownloadReply) and isinstance(request, m.Download):
        _check_page(request, reply)
    elif isinstance(reply, m.StepLayerReply | m.LogReply) and isinstance(
        request, m.DownloadStepLayer | m.DownloadLog
    ):
        _check_channel(request.address, reply.address)
        _check_test(request.test_id or 0, reply.test_id)


def _check_result(request: m.Request, reply: m.ResultReply) -> None:
    asked = request.command
    if reply.command not in (asked, "error"):
        raise WireError(f"{reply.command} was answered, {asked} was asked", rule="1.3 reply name")
    if asked == "connect" and reply.command == "connect":
        if reply.result != m.OK:
            raise RefusedError(
                f"login refused; check user name and password; {SEE_CLIENT_LOG}",
                vendor_text=reply.result, operation="connect",
            )  # fmt: skip
        return
    raise RefusedError(
        f"the server did not accept {asked}; {SEE_CLIENT_LOG}", vendor_text=reply.result, operation=asked
    )


_RowReply = m.StatusReply | m.InquireReply | m.ProgressReply | m.AcknowledgeReply


def _check_rows(request: m.Request, reply: _RowReply) -> None:
    """Compare row count and channels. getchlstatus may echo a wrong subdevid (1.4): position decides there."""
    echoed: list[m.Address | None] = [row.address for row in reply.rows]
    if isinstance(request, m.BroadcastStop):
        return  # reply shape unknown (open point 2): read back instead
    asked = (request.address,) if isinstance(request, m.Reset) else getattr(request, "addresses", ())
    if len(echoed) != len(asked):
        raise WireError(f"{len(echoed)} rows for {len(asked)} channels", rule="1.3 one row per channel")
    believe_unit = not isinstance(reply, m.StatusReply)
    for wanted, address in zip(asked, echoed, strict=True):
        if address is not None:
            _check_channel(wanted, address, believe_unit=believe_unit)


def _check_channel(wanted: m.Address, echoed: m.Address, *, believe_unit: bool = True) -> None:
    same = (wanted.devtype, wanted.devid, wanted.chlid) == (echoed.devtype, echoed.devid, echoed.chlid)
    if not same or (believe_unit and wanted.subdevid != echoed.subdevid):
        raise WireError(
            f"channel {echoed.devid}-{echoed.place} was answered, {wanted.devid}-{wanted.place} was asked",
            rule="I08 right cell",
        )


def _check_test(wanted: int, echoed: int) -> None:
    if wanted not in (0, echoed):
        raise WireError(f"test {echoed} was answered, test {wanted} was asked", rule="4.5 test id")


def _check_page(request: m.Download, reply: m.DownloadReply) -> None:
    """Compare echo and rows: the page is of what was asked, in order, without overlap, no longer than asked.

    Missing records are no error of the wire: the device may have lost them (F10). The driver hands out what is
    gap-free, and who follows the test asks again before a gap is believed.
    """
    _check_channel(request.address, reply.address)
    _check_test(request.test_id, reply.test_id)
    if reply.start != request.start:
        raise WireError(
            f"page from {reply.start} was answered, from {request.start} was asked", rule="2.6 startpos"
        )
    sequence = reply.block["device_sequence"]
    if len(sequence) > request.count:
        raise WireError(f"{len(sequence)} records where {request.count} were asked", rule="2.6 count")
    if len(sequence) and (
        int(sequence[0]) < max(request.start, 1) or bool((sequence[1:] <= sequence[:-1]).any())
    ):
        raise WireError(
            f"records asked from {request.start} overlap or are out of order: {sequence[:3].tolist()} ...",
            rule="4.5 order",
        )
