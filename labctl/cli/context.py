"""Where a verb finds its station file and its data root."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.errors import StoreError, UserInputError
from labctl.store.names import MANIFEST

if TYPE_CHECKING:
    from labctl.config.station import StationFile
    from labctl.store.catalogue import Catalogue
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


def data_path(args: argparse.Namespace, station: StationFile | None = None) -> Path:
    """Return where the data root is: --data, else the station's, else ./labctl-data."""
    if args.data:
        return Path(args.data)
    station = station or station_if_any(args)
    return Path(station.data) if station is not None and station.data else Path(DEFAULT_DATA)


def root_of(
    args: argparse.Namespace, station: StationFile | None = None, *, create: bool = False
) -> DataRoot:
    """Open the data root: --data, else the station's, else ./labctl-data."""
    from labctl.store.root import DataRoot

    path = data_path(args, station)
    if path.exists() and not path.is_dir():
        raise UserInputError(f"the data root {path} is a file. Name a folder with --data.")
    if not create and not path.is_dir():
        elsewhere = "" if args.data or args.station else os.environ.get("LABCTL_URL", "")
        if elsewhere:
            raise UserInputError(
                f"this works on a data root itself: run it on the computer of the station at {elsewhere}."
            )
        raise UserInputError(
            f"there is no data root at {path}. Name one with --data, or begin one here with 'labctl cells add'."
        )
    return DataRoot(path, create=create)


def run_named(root: DataRoot, word: str) -> str:
    """Return the id of the run that a person means: its id, a part of it that fits one run, or ``last``.

    Raises: UserInputError when several fit; StoreError when none does.
    """
    ids = sorted(folder.name for folder in root.run_folders())
    if word in ids or not word:
        return word
    if word == "last" and ids:
        return max(ids, key=lambda name: (root.run_folder(name) / MANIFEST).stat().st_mtime_ns)
    fitting = [name for name in ids if word in name]
    if len(fitting) > 1:
        raise UserInputError(
            f"'{word}' fits {len(fitting)} runs: {', '.join(fitting[:8])}. Name one of them."
        )
    return fitting[0] if fitting else word


def refresh_runs(root: DataRoot, catalogue: Catalogue) -> list[str]:
    """Bring runs that are new or go on up to date: the folders are the truth, also while another process
    writes them. Returns a sentence per folder that cannot be read.
    """
    from labctl.store.runreader import RunReader

    ended = {entry.run_id for entry in catalogue.runs.list(state="ended")}
    problems: list[str] = []
    for folder in root.run_folders():
        if folder.name in ended:
            continue
        try:
            catalogue.runs.upsert(RunReader(folder).manifest)
        except StoreError as error:
            problems.append(str(error))
    return problems
