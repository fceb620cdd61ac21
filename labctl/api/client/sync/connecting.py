# Made from labctl/api/client/aio/connecting.py by `python -m labctl.api.client.generate`.
"""``connect``: find the station of this computer, start one where none serves, or go to one elsewhere."""

from __future__ import annotations

from pathlib import Path

from labctl.api.client.address import being_served
from labctl.api.client.answers import pause_s
from labctl.api.client.launching import START_PATIENCE_S, launch
from labctl.api.client.places import Place, place_of
from labctl.api.client.sync.link import Link
from labctl.api.client.sync.station import Station
from labctl.clock import link_now_s, link_pause
from labctl.errors import LinkClosed


def connect(
    station: Path | str | None = None,
    data: Path | str | None = None,
    url: str | None = None,
    token: str | None = None,
    *,
    start: bool = True,
    fingerprint: str = "",
    person: str = "",
) -> Station:
    """Return the station: of a data root on this computer, or at a url.

    ``station`` is a station file, ``data`` a data root (default: the station file's, else ``./labctl-data``). Where no
    station serves it, one is started and stays, unless ``start`` is False. ``token`` is by default the owner's own;
    ``person`` then says who acts, for the journal.
    Raises: LinkClosed when there is none, or the one started does not come up; UserInputError, UserFileError.
    """
    place = place_of(station, data, url, token, fingerprint)
    link = Link(place.locate, person=person)
    try:
        try:
            link.open()
        except LinkClosed as error:
            _begin(link, place, error, start=start)
    except BaseException:
        link.close()
        raise
    return Station(link)


def _begin(link: Link, place: Place, error: LinkClosed, *, start: bool) -> None:
    """Wait for a station that is starting, or start one. Raises: LinkClosed."""
    if place.data is None or not (start or being_served(place.data)):
        raise _how_to_begin(place, error) from error
    until_s = link_now_s() + START_PATIENCE_S
    started = None if being_served(place.data) else launch(place.data, place.station_file)
    attempt = 0
    while True:
        attempt += 1
        link_pause(pause_s(attempt))
        try:
            link.open()
            return
        except LinkClosed as refused:
            if started is not None:
                started.check()
            elif not being_served(place.data):
                raise _how_to_begin(place, refused) from refused
            if link_now_s() > until_s:
                raise


def _how_to_begin(place: Place, error: LinkClosed) -> LinkClosed:
    if place.data is None:
        return error
    return LinkClosed(
        f"no station serves {place.data}. Start one with: labctl serve --data {place.data}{_file_words(place)}",
        instrument="station", operation="connect",
    )  # fmt: skip


def _file_words(place: Place) -> str:
    return f" --station {place.station_file}" if place.station_file is not None else ""
