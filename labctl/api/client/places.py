"""Which data root, and with it which station, is meant when nothing is said."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from labctl.api.client.address import DEFAULT_DATA, URL_VARIABLE, Locate, fixed, in_data
from labctl.config.station import ENVIRONMENT, find_station, load_station
from labctl.errors import UserFileError, UserInputError


class Place(NamedTuple):
    """Where the station is looked for; ``data`` None = elsewhere, it cannot be started from here."""

    locate: Locate
    data: Path | None
    station_file: Path | None


def place_of(
    station: Path | str | None,
    data: Path | str | None,
    url: str | None,
    token: str | None,
    fingerprint: str = "",
) -> Place:
    """Return the place named by the arguments, else by the environment, else the user's own.

    ``url`` (or LABCTL_URL where neither ``station`` nor ``data`` is given) names a station elsewhere. Otherwise the
    data root decides: ``data``, else what the station file says, else ``./labctl-data``.
    Raises: UserInputError, UserFileError.
    """
    if url is None and station is None and data is None:
        url = os.environ.get(URL_VARIABLE) or None
    if url is not None:
        return Place(fixed(url, token, fingerprint), None, None)
    file = _station_file(station, needed=station is not None)
    if data is not None:
        folder = Path(data)
    else:
        told = load_station(file).data if file is not None else None
        folder = told or Path(DEFAULT_DATA)
    folder = folder.expanduser().absolute()
    return Place(in_data(folder, token), folder, file)


def _station_file(named: Path | str | None, *, needed: bool) -> Path | None:
    try:
        return find_station(named)
    except (UserFileError, UserInputError):
        if needed or os.environ.get(ENVIRONMENT):
            raise
        return None
