"""``labctl serve``: the station, in the foreground, until it is told to end. Device-driven cells go on without it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from labctl.cli.app import EXIT_FAILED, EXIT_OK
from labctl.cli.context import root_of, station_of
from labctl.cli.output import emit_json, say
from labctl.errors import LinkClosed, StoreError, UserInputError

if TYPE_CHECKING:
    from labctl.api.messages import Endpoint
    from labctl.cli.heartbeat import Heart
    from labctl.clock import Clock
    from labctl.config.api import ApiSettings
    from labctl.config.station import StationFile
    from labctl.store.root import DataRoot

HELP = (
    "Run the station: it owns instruments, queue, limits, alarms and data; everything else is a client of it."
)

LOCK_TRIES, LOCK_PAUSE_S = 5, 0.2
"""A client that looks whether a station serves holds the lock for a moment."""
LEAVE_PATIENCE_S = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--listen", action="append", default=[], metavar="HOST:PORT",
        help="answer other computers too, over TLS; shows the certificate's fingerprint (default: this computer only)",
    )  # fmt: skip
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="a name under which others reach this computer",
    )
    parser.add_argument("--stop", action="store_true", help="end the station of this data root; cells go on")
    parser.add_argument(
        "--watched",
        action="store_true",
        help="start it again when it dies or stands still for 10 s (not under systemd)",
    )


def run(args: argparse.Namespace) -> int:
    """Serve, watch over a station that serves, or end one."""
    if args.stop:
        return _stop(args)
    if args.watched:
        return _watch(args)
    return _serve(args)


# -- serving ----------------------------------------------------------------------------------------------------------


def _serve(args: argparse.Namespace) -> int:
    from labctl.cli.heartbeat import Heart
    from labctl.cli.stationlog import logging_to
    from labctl.clock import run_with_clock
    from labctl.station.handles import raise_limit

    heart = Heart()
    raise_limit()
    # Imported before the first beat: it takes seconds on a slow computer, in which the loop could not beat.
    importlib.import_module("labctl.api.server.serving")
    importlib.import_module("labctl.station.opening")
    station = station_of(args)
    with _locked(root_of(args, station, create=True)) as root, logging_to(root.path, verbose=args.verbose):
        beats = _Life(args, station, root, heart)
        run_with_clock(station.clock.spec(), beats.live)
    return EXIT_OK


@contextlib.contextmanager
def _locked(root: DataRoot) -> Iterator[DataRoot]:
    """Become the one writer. Raises: StoreError naming who is."""
    from labctl.api.client.address import ENDPOINT, FOLDER, SERVE_PURPOSE
    from labctl.clock import link_pause

    for left in reversed(range(LOCK_TRIES)):
        try:
            root.lock(SERVE_PURPOSE)
            break
        except StoreError:
            if not left:
                raise
            link_pause(LOCK_PAUSE_S)
    with root:
        root.disk.unlink(
            root.path / FOLDER / ENDPOINT
        )  # of a life that was killed: its port may be anybody's
        yield root


class _Life:
    """One life of the station: heartbeat from the first moment, core and API until it is told to leave."""

    def __init__(self, args: argparse.Namespace, station: StationFile, root: DataRoot, heart: Heart) -> None:
        self._args = args
        self._station = station
        self._root = root
        self._heart = heart
        self._epoch = ""

    async def live(self, clock: Clock) -> None:
        """Serve until a signal or a request says to leave."""
        from labctl.cli.leaving import told_by_signals

        leave = asyncio.Event()
        with told_by_signals(leave):
            async with asyncio.TaskGroup() as tasks:
                beat = tasks.create_task(self._beat(clock, leave))
                work = tasks.create_task(self._work(clock))
                work.add_done_callback(lambda _: leave.set())
                await leave.wait()
                self._heart.say(_stopping())
                work.cancel()
                beat.cancel()

    async def _beat(self, clock: Clock, leave: asyncio.Event) -> None:
        """Say that the loop turns, and look whether somebody wants the station to end."""
        from labctl.cli.heartbeat import ALIVE
        from labctl.cli.leaving import is_asked_to_leave

        while not leave.is_set():
            self._heart.say(ALIVE)
            if self._epoch and is_asked_to_leave(self._root.path, self._epoch):
                leave.set()
            await clock.link.sleep(self._heart.beat_s)

    async def _work(self, clock: Clock) -> None:
        from labctl.api.server.serving import serve_api
        from labctl.station.opening import open_core

        settings = _settings(self._args, self._station)
        async with open_core(self._station, self._root, clock) as core:
            self._epoch = core.feed.epoch
            await serve_api(core, settings, self._ready)

    def _ready(self, endpoint: Endpoint) -> None:
        """Tell people and watchers that calls are answered."""
        from labctl.cli.heartbeat import READY
        from labctl.model.plain import to_plain

        self._heart.say(READY)
        if self._args.json:
            emit_json({**to_plain(endpoint), "data": str(self._root.path)})
            return
        say(f"{self._station.name}: the station of {self._root.path} answers at {endpoint.url}")
        for address in _addresses_elsewhere(_settings(self._args, self._station)):
            say(f"other computers reach it at {address}")
        if endpoint.fingerprint:
            say(f"fingerprint of its certificate (SHA-256): {endpoint.fingerprint}")
        say("Ctrl-C ends the station; the cells go on by themselves and are taken up at the next start.")


def _settings(args: argparse.Namespace, station: StationFile) -> ApiSettings:
    """Return where the API listens: the station file's word, and what the command line adds."""
    from dataclasses import replace

    from labctl.config.api import checked, parse_address

    listen = (*station.api.listen, *map(parse_address, args.listen))
    return checked(replace(station.api, listen=listen, hosts=(*station.api.hosts, *args.host)))


def _addresses_elsewhere(settings: ApiSettings) -> list[str]:
    """Return how other computers call the station: each name of ``hosts`` with each port that is open to them."""
    ports = dict.fromkeys(at.port for at in settings.listen if not at.loopback and at.port)
    return [f"https://{name}:{port}" for port in ports for name in settings.hosts]


def _stopping() -> str:
    from labctl.cli.heartbeat import STOPPING

    return STOPPING


# -- watching ----------------------------------------------------------------------------------------------------------


def _watch(args: argparse.Namespace) -> int:
    from labctl.cli.heartbeat import NOTIFY_VARIABLE
    from labctl.cli.watched import Watcher

    if os.environ.get(NOTIFY_VARIABLE):
        raise UserInputError("systemd watches this service already (WatchdogSec); leave --watched out.")
    words = [sys.executable, "-m", "labctl", "serve"]
    for name in ("station", "data"):
        if getattr(args, name):
            words += [f"--{name}", str(getattr(args, name))]
    for address in args.listen:
        words += ["--listen", address]
    for name in args.host:
        words += ["--host", name]
    for name in ("json", "verbose"):
        if getattr(args, name):
            words.append(f"--{name}")
    return Watcher(words).run()


# -- ending ----------------------------------------------------------------------------------------------------------


def _stop(args: argparse.Namespace) -> int:
    """End the station of a data root and wait until it has let go of it."""
    from labctl.api.client.address import URL_VARIABLE, being_served
    from labctl.api.client.places import place_of
    from labctl.cli.leaving import ask_to_leave
    from labctl.clock import link_now_s, link_pause

    place = place_of(args.station, args.data, None, None)
    if place.data is None:
        raise UserInputError(
            f"LABCTL_URL means a station on another computer ({os.environ.get(URL_VARIABLE, '')}): end it there, or "
            "name the one of this computer with --station or --data."
        )
    if not being_served(place.data):
        return _told(args, place.data, stopped=False, text=f"No station serves {place.data}.")
    try:
        address = place.locate()
    except LinkClosed as error:
        raise LinkClosed(
            f"the station of {place.data} is starting and does not answer yet; try again",
            instrument="station",
        ) from error
    ask_to_leave(place.data, address.epoch)
    until_s = link_now_s() + LEAVE_PATIENCE_S
    while being_served(place.data):
        if link_now_s() > until_s:
            text = (
                f"The station (process {address.pid}) does not end; its cells go on whatever happens to it."
            )
            return _told(args, place.data, stopped=False, text=text, code=EXIT_FAILED)
        link_pause(LOCK_PAUSE_S)
    text = f"The station of {place.data} has ended. Cells that a cycler drives go on by themselves."
    return _told(args, place.data, stopped=True, text=text)


def _told(args: argparse.Namespace, data: object, *, stopped: bool, text: str, code: int = EXIT_OK) -> int:
    if args.json:
        emit_json({"data": str(data), "stopped": stopped, "text": text})
    else:
        say(text)
    return code
