"""``labctl cells``: the registry of cells."""

from __future__ import annotations

import argparse
import csv
from dataclasses import asdict, fields
from pathlib import Path

from labctl.cli.app import EXIT_FAILED, EXIT_OK, add_subverbs
from labctl.cli.context import refresh_runs, root_of
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
            ("import", "register cells from a CSV or XLSX table, one a row"),
        ),
    )
    add = verbs["add"]
    add.add_argument("cell_id", metavar="ID", help="id of the new cell, for example C0007")
    add.add_argument("--kind", required=True, choices=[kind.value for kind in CellKind])
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


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-verb."""
    act = {"add": _add, "list": _list, "show": _show, "import": _import}[args.what]
    return act(args)


def _add(args: argparse.Namespace) -> int:
    from labctl.config.celltable import cell_from_text
    from labctl.store.catalogue import Catalogue

    values = {name: getattr(args, f"cell_{name}") for name in _OPTIONS}
    texts = {
        "cell_id": args.cell_id,
        "kind": args.kind,
        **{name: text for name, text in values.items() if text},
    }
    cell = cell_from_text(texts)
    with Catalogue(root_of(args, create=True)) as catalogue:
        catalogue.cells.add(cell)
    if args.json:
        emit_json(asdict(cell))
    else:
        say(f"{cell.cell_id} registered: {_facts(cell)}")
    return EXIT_OK


def _list(args: argparse.Namespace) -> int:
    from labctl.store.catalogue import Catalogue

    with Catalogue(root_of(args)) as catalogue:
        cells = catalogue.cells.list()
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
    from labctl.store.catalogue import Catalogue

    root = root_of(args)
    with Catalogue(root) as catalogue:
        cell = catalogue.cells.get(args.cell_id)
        refresh_runs(root, catalogue)
        runs = [asdict(entry) for entry in catalogue.runs.list(cell_id=cell.cell_id)]
    if args.json:
        emit_json({**asdict(cell), "runs": runs})
        return EXIT_OK
    for name, value in asdict(cell).items():
        say(f"{name:<24} {'not reported' if value in (None, '') else value}")
    for line in runs:
        say(f"run {line['run_id']}  {line['protocol']}  {line['state']} {line['outcome'] or ''}")
    return EXIT_OK


def _import(args: argparse.Namespace) -> int:
    from labctl.config.celltable import outliers, read_cell_table
    from labctl.store.catalogue import Catalogue

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
    with Catalogue(root_of(args, create=True)) as catalogue:
        known = {cell.cell_id: cell for cell in catalogue.cells.list()}
        for cell in table.cells:
            if cell.cell_id not in known:
                catalogue.cells.add(cell)
                added.append(cell.cell_id)
            elif cell == known[cell.cell_id]:
                kept.append(cell.cell_id)
            elif args.update:
                catalogue.cells.update(cell)
                updated.append(cell.cell_id)
            else:
                refused.append(
                    f"{cell.cell_id} is registered with other values; give --update to store a new revision."
                )
    questions = outliers(table.cells)
    if args.json:
        emit_json(
            {
                "added": added,
                "updated": updated,
                "unchanged": kept,
                "refused": refused,
                "questions": questions,
            }
        )
    else:
        say(f"{len(added)} added, {len(updated)} updated, {len(kept)} unchanged, {len(refused)} refused.")
        for text in (*refused, *questions):
            say(f"    {text}")
    return EXIT_FAILED if refused else EXIT_OK


def _facts(cell: Cell) -> str:
    area = _number(cell.effective_area_cm2, 6)
    mass = _number(cell.active_mass_mg, 4)
    return f"{cell.name}, {cell.kind.value}, area {area or 'not reported'} cm2, active mass {mass or 'not reported'} mg"


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{value:.{digits}g}"
