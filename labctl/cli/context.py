"""Where a verb finds its station file and its data root."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.errors import UserInputError

if TYPE_CHECKING:
    from labctl.config.station import StationFile
    from labctl.store.root import DataRoot

DEFAULT_DATA = "labctl-data"


def station_of(args: argparse.Namespace) -> StationFile:
    """Load the station file named by --station, LABCTL_STATION or the platform's config folder."""
    from labctl.config.station import find_station, load_station

    return load_station(find_station(Path(args.station) if args.station else None))


def station_if_any(args: argparse.Namespace) -> StationFile | None:
    """Load the station file where there is one; a file that was named must exist."""
    from labctl.config.station import find_station, load_station
    from labctl.errors import UserFileError

    if args.station:
        return station_of(args)
    try:
        path = find_station(None)
    except (UserFileError, UserInputError):
        return None
    return load_station(path)


def root_of(
    args: argparse.Namespace, station: StationFile | None = None, *, create: bool = False
) -> DataRoot:
    """Open the data root: --data, else the station's, else ./labctl-data."""
    from labctl.store.root import DataRoot

    if args.data:
        path = Path(args.data)
    else:
        station = station or station_if_any(args)
        path = Path(station.data) if station is not None and station.data else Path(DEFAULT_DATA)
    if not create and not path.is_dir():
        raise UserInputError(
            f"there is no data root at {path}. Name one with --data, or begin one here with 'labctl cells add'."
        )
    return DataRoot(path)
