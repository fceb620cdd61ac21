"""``labctl cells``: the registry of cells."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path

from labctl.cli import entries
from labctl.cli.app import EXIT_FAILED, EXIT_OK, add_subverbs
from labctl.cli.atstation import add_by, is_served, station_client
from labctl.cli.cellsource import Register, RootRegister, StationRegister
from labctl.cli.context import root_of
from labctl.cli.output import emit_json, print_table, say
from labctl.errors import UserFileError
from labctl.model.cell import Cell, CellKind

HELP = "Register cells with geometry, masses and chemistry; protocols in mA/cm2, C or mA/g need them."

_OPTIONS = tuple(field.name for field in fields(Cell) if field.name not in ("cell_id", "kind"))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    verbs = add_subverbs(
        parser,
        (
            ("add", "register one cell"),
            ("list", "list registered cells"),
            ("show", "show one cell with its runs"),
            ("change", "store a correction as a new revision; rows that were measured stay as they are"),
            ("revisions", "the versions of a cell: who, when, why, what changed"),
            ("history", "what happened to a cell: corrections, channels, runs"),
            ("import", "register cells from a CSV or XLSX table, one a row; - for a pasted one"),
        ),
    )
    add = verbs["add"]
    add.add_argument("cell_id", metavar="ID", help="id of the new cell, for example C0007")
    add.add_argument("--kind", required=True, choices=[kind.value for kind in CellKind])
    add_by(add)
    for name in _OPTIONS:
        add.add_argument(
            f"--{name.replace('_', '-')}", dest=f"cell_{name}", metavar=name.split("_")[-1], default=None
        )
    verbs["show"].add_argument("cell_id", metavar="ID")
    load = verbs["import"]
    load.add_argument(
        "table", metavar="FILE", help="columns cell_id, kind and any of the fields of 'cells add --help'"
    )
    load.add_argument(
        "--update", action="store_true", help="store changed rows of known cells as new revisions"
    )
    entries.add_import_options(load)
    entries.add_change(verbs["change"], "cell")
    for name in ("revisions", "history"):
        verbs[name].add_argument("entry_id", metavar="CELL")


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-verb."""
    if args.what == "change":
        return entries.change(args, "cell", Cell)
    if args.what == "revisions":
        return entries.revisions(args, "cell")
    if args.what == "history":
        return entries.history(args)
    if args.what == "import" and (args.dry_run or args.answer or args.table == "-"):
        return entries.import_table(args, "cell")  # questions are asked and answered by a station
    act = {"add": _add, "list": _list, "show": _show, "import": _import}[args.what]
    return act(args)


@contextmanager
def _register(args: argparse.Namespace, *, create: bool = False) -> Iterator[Register]:
    """Open the registry: the station's where one serves the data root, else the data root's own."""
    if is_served(args):
        with station_client(args) as station:
            yield StationRegister(station)
        return
    from labctl.store.catalogue import Catalogue

    root = root_of(args, create=create)
    with Catalogue(root) as catalogue:
        yield RootRegister(root, catalogue)


def _add(args: argparse.Namespace) -> int:
    from labctl.config.celltable import cell_from_text

    values = {name: getattr(args, f"cell_{name}") for name in _OPTIONS}
    texts = {
        "cell_id": args.cell_id,
        "kind": args.kind,
        **{name: text for name, text in values.items() if text},
    }
    cell = cell_from_text(texts)
    with _register(args, create=True) as register:
        register.add(cell)
    if args.json:
        emit_json(asdict(cell))
    else:
        say(f"{cell.cell_id} registered: {_facts(cell)}")
    return EXIT_OK


def _list(args: argparse.Namespace) -> int:
    with _register(args) as register:
        cells = register.list()
    if args.json:
        emit_json([asdict(cell) for cell in cells])
        return EXIT_OK
    rows = [
        (cell.cell_id, cell.name, cell.kind.value, _number(cell.effective_area_cm2, 4), _number(cell.active_mass_mg, 4),
         _number(cell.effective_capacity_mAh, 4), cell.electrolyte, cell.coating, cell.batch)
        for cell in cells
    ]  # fmt: skip
    headers = (
        "id",
        "name",
        "kind",
        "area / cm2",
        "mass / mg",
        "capacity / mAh",
        "electrolyte",
        "coating",
        "batch",
    )
    print_table("", headers, rows, right=(3, 4, 5))
    return EXIT_OK


def _show(args: argparse.Namespace) -> int:
    with _register(args) as register:
        cell = register.get(args.cell_id)
        runs = register.runs_of(cell)
    if args.json:
        emit_json({**asdict(cell), "runs": runs})
        return EXIT_OK
    for name, value in asdict(cell).items():
        say(f"{name:<24} {'not reported' if value in (None, '') else value}")
    for line in runs:
        say(f"run {line['run_id']}  {line['protocol']}  {line['state']} {line['outcome'] or ''}")
    return EXIT_OK


def _import(args: argparse.Namespace) -> int:
    """Import into the station, or into a data root that no station serves."""
    found = entries.import_cells(args) if is_served(args) else _import_alone(args)
    told = {name: found.get(name, []) for name in ("added", "updated", "unchanged", "refused", "questions")}
    if args.json:
        emit_json(told)
    else:
        say(
            ", ".join(f"{len(told[name])} {name}" for name in ("added", "updated", "unchanged", "refused"))
            + "."
        )
        for text in (*told["refused"], *told["questions"]):
            say(f"    {text}")
    waits = is_served(args) and told["questions"]
    return EXIT_FAILED if told["refused"] or waits else EXIT_OK


def _import_alone(args: argparse.Namespace) -> dict[str, list[str]]:
    from labctl.config.celltable import outliers, read_cell_table

    try:
        table = read_cell_table(Path(args.table))
    except csv.Error as error:
        raise UserFileError(
            f"is not a readable CSV table ({error}).", path=args.table, fix="Save it anew as 'CSV UTF-8'."
        ) from error
    added: list[str] = []
    updated: list[str] = []
    kept: list[str] = []
    refused = [f"{args.table}, {finding}" for finding in table.findings]
    with _register(args, create=True) as register:
        known = {cell.cell_id: cell for cell in register.list()}
        for cell in table.cells:
            if cell.cell_id not in known:
                register.add(cell)
                added.append(cell.cell_id)
            elif cell == known[cell.cell_id]:
                kept.append(cell.cell_id)
            elif args.update:
                register.update(cell, f"labctl cells import {args.table}")
                updated.append(cell.cell_id)
            else:
                refused.append(
                    f"{cell.cell_id} is registered with other values; give --update to store a new revision."
                )
    questions = outliers(table.cells)
    return {"added": added, "updated": updated, "unchanged": kept, "refused": refused, "questions": questions}


def _facts(cell: Cell) -> str:
    area = _number(cell.effective_area_cm2, 6)
    mass = _number(cell.active_mass_mg, 4)
    return f"{cell.name}, {cell.kind.value}, area {area or 'not reported'} cm2, active mass {mass or 'not reported'} mg"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}g}"
