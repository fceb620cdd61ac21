"""From resource and options to the links of a 273A and its analyser, all closed."""

from __future__ import annotations

from collections.abc import Callable

from labctl.clock import Clock
from labctl.transport.base import Transport
from labctl_drivers.par273a.analyser import Analyser
from labctl_drivers.par273a.bus import Bus
from labctl_drivers.par273a.lockin import (
    CR,
    NUL,
    EthernetLockinLink,
    GpibLockinLink,
    Lockin,
)
from labctl_drivers.par273a.models import AnalyserKind
from labctl_drivers.par273a.options import AnalyserLink, LinkKind, ParOptions, with_usual_baud
from labctl_drivers.par273a.parlink import GpibParLink, ParLink, SerialParLink
from labctl_drivers.par273a.solartron import Solartron

Connect = Callable[[str], Transport]


def links(
    resource: str, options: ParOptions, clock: Clock, connect: Connect
) -> tuple[ParLink, Bus | None, Analyser | None]:
    """Return the link to the 273A, the bus that it is on (None: RS-232), and the analyser (None: no spectra)."""
    timeout_s = options.reply_timeout_s
    if options.link is LinkKind.SERIAL:
        pipe = connect(with_usual_baud(resource))
        link: ParLink = SerialParLink(pipe, clock, options.terminator, options.delimiter, timeout_s)
        return link, None, _analyser(None, options, clock, connect)
    bus = Bus(connect(resource), connect(resource) if options.own_stop_lane else None, clock, timeout_s)
    link = GpibParLink(bus, options.address, options.terminator, options.delimiter)
    return link, bus, _analyser(bus, options, clock, connect)


def _analyser(bus: Bus | None, options: ParOptions, clock: Clock, connect: Connect) -> Analyser | None:
    kind, resource, timeout_s = options.analyser, options.analyser_resource, options.reply_timeout_s
    if kind is AnalyserKind.NONE:
        return None
    if resource and options.analyser_link is not AnalyserLink.PROLOGIX:
        tells_status, model = options.analyser_link is AnalyserLink.STATUS, options.analyser_model
        end = CR if model == "7230" and not tells_status else NUL
        link = EthernetLockinLink(connect(resource), clock, timeout_s, end=end, tells_status=tells_status)
        return Lockin(link, model, options.b_sign, options.readings)
    own = Bus(connect(resource), None, clock, timeout_s) if resource else None
    on = own or bus
    assert on is not None, "options without a bus for the analyser are refused"
    if kind is AnalyserKind.FRA:
        return Solartron(on, options.analyser_address, own=own is not None, polar=options.polar)
    bus_link = GpibLockinLink(on, options.analyser_address, own=own is not None)
    return Lockin(bus_link, options.analyser_model, options.b_sign, options.readings)
