"""``labctl electrodes`` and ``labctl batches``: what cells are made of, through the station."""

from __future__ import annotations

import argparse
from dataclasses import asdict, fields
from typing import Any

from labctl.cli import entries
from labctl.cli.app import EXIT_OK, add_subverbs
from labctl.cli.atstation import add_acting, dash, station_client, tell
from labctl.cli.output import print_table, say
from labctl.model.cell import Batch, Electrode

HELP = "Register electrodes and sheets; cells take area, mass and coating from them."


class Noun:
    """The sub-verbs of one noun of the registry."""

    def __init__(self, name: str, kind: type[Any], shown: tuple[str, ...]) -> None:
        """Name the noun, its dataclass, and the columns of its list."""
        self._name = name
        self._kind = kind
        self._shown = (f"{name}_id", *shown)
        self._fields = [field.name for field in fields(kind) if field.name != f"{name}_id"]

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the sub-verbs."""
        name = self._name
        verbs = add_subverbs(
            parser,
            (
                ("list", "list what is registered"),
                ("show", f"show one {name}"),
                ("add", f"register one {name}"),
                ("change", "store a correction as a new revision; rows that were measured stay as they are"),
                ("revisions", f"the versions of one {name}: who, when, why, what changed"),
                ("import", "register from a table; what looks wrong is asked"),
            ),
        )
        for what in ("show", "add", "revisions"):
            verbs[what].add_argument("entry_id", metavar=name.upper())
        for field in self._fields:
            verbs["add"].add_argument(
                f"--{field.replace('_', '-')}", dest=f"of_{field}", metavar=field.split("_")[-1]
            )
        add_acting(verbs["add"])
        entries.add_change(verbs["change"], name)
        entries.add_import(verbs["import"])

    def run(self, args: argparse.Namespace) -> int:
        """Run the chosen sub-verb."""
        if args.what == "change":
            return entries.change(args, self._name, self._kind)
        if args.what == "revisions":
            return entries.revisions(args, self._name)
        if args.what == "import":
            return entries.import_table(args, self._name)
        with station_client(args) as station:
            shelf = entries.shelf_of(station, self._name)
            if args.what == "list":
                return self._list(args, shelf.list())
            if args.what == "add":
                words = [
                    f"{field}={text}" for field in self._fields if (text := getattr(args, f"of_{field}"))
                ]
                entry = entries.changed(self._kind(args.entry_id), words)
                return tell(args, shelf.add(entry, reason=args.reason), f"{args.entry_id} registered.")
            entry = shelf.get(args.entry_id)
        if args.json:
            return tell(args, entry)
        for field, value in asdict(entry).items():
            say(f"{field:<20} {'not reported' if value in (None, '') else value}")
        return EXIT_OK

    def _list(self, args: argparse.Namespace, found: Any) -> int:
        if args.json:
            return tell(args, found)
        print_table(
            "", self._shown, [[dash(getattr(entry, name)) for name in self._shown] for entry in found]
        )
        return EXIT_OK


ELECTRODES = Noun(
    "electrode", Electrode, ("material", "area_cm2", "active_mass_mg", "coating", "batch", "parent")
)
BATCHES = Noun("batch", Batch, ("name", "electrolyte", "coating", "film_nm", "made_utc", "made_by"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    ELECTRODES.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-verb."""
    return ELECTRODES.run(args)
