"""What ``cells``, ``electrodes`` and ``batches`` share at a station: corrections, versions, imports with questions."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from labctl.cli.app import EXIT_FAILED, EXIT_OK
from labctl.cli.atstation import add_acting, dash, station_client, tell, words_of
from labctl.cli.output import print_table, say
from labctl.errors import UserInputError

if TYPE_CHECKING:
    from labctl.api.client import Station
    from labctl.model.cell import ImportReport, Revision

E = TypeVar("E")


class Shelf(Protocol):
    """The client's namespace of one noun."""

    def list(self) -> Sequence[Any]: ...
    def get(self, entry_id: str, /) -> Any: ...
    def add(self, entry: Any, /, *, reason: str = "") -> Any: ...
    def change(self, entry: Any, /, *, reason: str, revision: int | None = None) -> int: ...
    def revisions(self, entry_id: str, /) -> tuple[Revision, ...]: ...


def shelf_of(station: Station, noun: str) -> Shelf:
    """Return the namespace of a noun: ``cell``, ``electrode`` or ``batch``."""
    nouns = {"cell": station.cells, "electrode": station.electrodes, "batch": station.batches}
    return cast(Shelf, nouns[noun])


def add_change(parser: argparse.ArgumentParser, noun: str) -> None:
    """Declare a correction."""
    parser.add_argument("entry_id", metavar=noun.upper())
    parser.add_argument(
        "values",
        nargs="+",
        metavar="NAME=VALUE",
        help="as in active_mass_mg=0.92; an empty value = not reported",
    )
    parser.add_argument(
        "--revision", type=int, metavar="N", help="refuse when it was corrected since revision N"
    )
    add_acting(parser, needed=True)


def add_import(parser: argparse.ArgumentParser) -> None:
    """Declare an import."""
    parser.add_argument("table", metavar="FILE", help="CSV or XLSX, one entry a row; - for a pasted table")
    add_import_options(parser)


def add_import_options(parser: argparse.ArgumentParser) -> None:
    """Declare what is asked and answered."""
    parser.add_argument(
        "--dry-run", action="store_true", help="tell what would be stored and asked; store nothing"
    )
    parser.add_argument(
        "--answer", action="append", default=[], metavar="KEY=VALUE",
        help="of a question that was asked: KEY=keep, or the number that is right",
    )  # fmt: skip
    add_acting(parser)


def changed(entry: E, words: Iterable[str]) -> E:
    """Return an entry with the named values. Raises: UserInputError naming what there is."""
    known = {field.name: field for field in fields(cast(Any, entry))}
    found: dict[str, Any] = {}
    for word in words:
        name, equals, text = (part.strip() for part in word.partition("="))
        if not equals or name not in known or name.endswith("_id"):
            names = ", ".join(name for name in known if not name.endswith("_id"))
            raise UserInputError(f"'{word}' is not NAME=VALUE with a name of these: {names}.")
        found[name] = _value(name, text, str(known[name].type))
    return cast(E, replace(cast(Any, entry), **found))


def _value(name: str, text: str, kind: str) -> Any:
    """Return a value from its text, by the type of its field."""
    if "float" not in kind:
        return text
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise UserInputError(f"{name} is a number, not '{text}'.") from None


def change(args: argparse.Namespace, noun: str, kind: type[Any]) -> int:
    """Correct an entry as it was stored: what it takes from its electrode or batch stays theirs."""
    from labctl.model.typed import from_plain

    with station_client(args) as station:
        shelf = shelf_of(station, noun)
        last = shelf.revisions(args.entry_id)[-1]
        entry = changed(from_plain(kind, last.values), args.values)
        revision = last.revision if args.revision is None else args.revision
        number = shelf.change(entry, reason=args.reason, revision=revision)
        entry = shelf.get(args.entry_id)
    return tell(args, {"revision": number, noun: entry}, f"{args.entry_id}: revision {number}")


def revisions(args: argparse.Namespace, noun: str) -> int:
    """Tell the versions of an entry: who, when, why, what changed."""
    with station_client(args) as station:
        found = shelf_of(station, noun).revisions(args.entry_id)
    if args.json:
        return tell(args, found)
    rows = [(str(at.revision), at.utc[:16].replace("T", " "), at.by, dash(at.reason), dash("; ".join(at.changed)))
            for at in found]  # fmt: skip
    print_table("", ("revision", "when (UTC)", "who", "why", "changed"), rows, right=(0,))
    return EXIT_OK


def history(args: argparse.Namespace) -> int:
    """Tell what happened to a cell: corrections, channels, runs."""
    with station_client(args) as station:
        found = station.cells.history(args.entry_id)
    if args.json:
        return tell(args, found)
    rows = [(at.utc[:16].replace("T", " "), at.kind.value, dash(at.channel), dash(at.run_id), dash(at.by), at.text)
            for at in found]  # fmt: skip
    print_table("", ("when (UTC)", "what", "channel", "run", "who", ""), rows)
    return EXIT_OK


def import_table(args: argparse.Namespace, noun: str) -> int:
    """Import a table through the station and tell what became of each row, and what is asked."""
    pasted = args.table == "-"
    content = sys.stdin.buffer.read() if pasted else Path(args.table).read_bytes()
    answers = words_of(args.answer, "--answer")
    with station_client(args) as station:
        report = station.cells.import_table(
            "pasted.tsv" if pasted else Path(args.table).name, content, kind=noun, dry_run=args.dry_run,
            answers=answers, reason=args.reason,
        )  # fmt: skip
    return told(args, report)


def import_cells(args: argparse.Namespace) -> dict[str, list[str]]:
    """Import cells through the station; known cells are corrected with ``--update`` only, else nothing is stored.

    Returns ids by what became of them, refused rows and open questions in words.
    """
    from labctl.model.cell import ImportAction

    path = Path(args.table)
    content, reason = path.read_bytes(), args.reason or f"labctl cells import {path.name}"
    with station_client(args) as station:
        report = station.cells.import_table(path.name, content, dry_run=True, reason=reason)
        differs = [
            row.entry_id for row in report.rows if row.action is ImportAction.CHANGED and not args.update
        ]
        if not differs:
            report = station.cells.import_table(path.name, content, reason=reason)
    ids = {action: [row.entry_id for row in report.rows if row.action is action] for action in ImportAction}
    refused = [f"{path.name}, row {row.row}: {text}" for row in report.rows for text in row.problems]
    refused += [
        f"{name} is registered with other values; give --update to store a new revision. Nothing was stored."
        for name in differs
    ]
    asked = [
        f"row {row.row}, {row.entry_id}: {question.text}{f' {question.suggestion}' if question.suggestion else ''} "
        f"Not stored; answer with --answer {question.key}=keep, or the right number."
        for row in report.rows
        for question in row.questions
    ]
    stored = {"added": ids[ImportAction.NEW], "updated": ids[ImportAction.CHANGED]}
    return {
        **({} if differs else stored),
        "unchanged": ids[ImportAction.SAME],
        "refused": refused,
        "questions": asked,
    }


def told(args: argparse.Namespace, report: ImportReport) -> int:
    """Tell a report; exit 1 where a row was refused or waits for an answer."""
    from labctl.model.cell import ImportAction

    counts: Mapping[str, int] = {action.value: report.count(action) for action in ImportAction}
    code = EXIT_FAILED if counts["refused"] or counts["question"] else EXIT_OK
    if args.json:
        return tell(args, report, code=code)
    say(
        ", ".join(f"{count} {name}" for name, count in counts.items())
        + (": a dry run" if report.dry_run else "")
    )
    for row in report.rows:
        for text in (*row.problems, *(row.changes if args.dry_run else ())):
            say(f"    row {row.row}{f', {row.entry_id}' if row.entry_id else ''}: {text}")
        for asked in row.questions:
            hint = f" {asked.suggestion}" if asked.suggestion else ""
            say(f"    row {row.row}, {row.entry_id}: {asked.text}{hint}")
            say(f"        answer with --answer {asked.key}=keep, or the right number")
    return code
