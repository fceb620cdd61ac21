"""``labctl protocols``: list, show, check, convert and rehearse protocols."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.cli.app import EXIT_FAILED, EXIT_OK, add_subverbs
from labctl.cli.context import root_of, station_of
from labctl.cli.output import emit_json, print_table, say
from labctl.cli.progress import duration
from labctl.errors import ProgramError, UserFileError, UserInputError

if TYPE_CHECKING:
    from labctl.model.program import Program
    from labctl.model.protocol import Protocol

HELP = "List, show, check, convert and rehearse protocols."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    verbs = add_subverbs(
        parser,
        (
            ("list", "list the ready-made protocols"),
            ("show", "show a protocol as sentences, with its assumptions and contradictions"),
            ("check", "check a protocol, alone or for a cell in a channel; exit 1 when it cannot run"),
            ("convert", "write a protocol in another format, or read one; says what is lost"),
            (
                "rehearse",
                "run it on a twin of the cell in seconds: predicted voltage, finish, rows, warnings",
            ),
            ("schema", "print the JSON Schema of protocol files, for editors"),
        ),
    )
    for name in ("show", "check", "rehearse"):
        verbs[name].add_argument(
            "protocol", metavar="PROTOCOL", help="a file, or the name of a ready-made one"
        )
        verbs[name].add_argument("--cell", metavar="ID", required=name == "rehearse")
        verbs[name].add_argument("--channel", metavar="CHANNEL", help="for example neware:1-3")
        add_variables(verbs[name])
    rehearse = verbs["rehearse"]
    rehearse.add_argument(
        "--twin", metavar="NAME", help="parameters of the twin (default: by the cell's kind and coating)"
    )
    rehearse.add_argument("--seed", type=int, default=None, help="seed of the twin's scatter (default: none)")
    convert = verbs["convert"]
    convert.add_argument(
        "source", metavar="SOURCE", help="a protocol of ours (file or name), or a foreign file"
    )
    convert.add_argument(
        "--to", metavar="FORMAT", help="unicycler, pybamm, neware-xml; omit to read a foreign file"
    )
    convert.add_argument(
        "--from", dest="from_format", metavar="FORMAT", help="format of SOURCE when it is foreign"
    )
    convert.add_argument("--out", metavar="FILE", help="where to write it (default: standard output)")
    convert.add_argument("--cell", metavar="ID", help="needed where the target wants absolute currents")
    convert.add_argument("--channel", metavar="CHANNEL")
    add_variables(convert)


def add_variables(parser: argparse.ArgumentParser) -> None:
    """Add ``--set NAME=VALUE``, which gives a protocol's variables other values."""
    parser.add_argument("--set", dest="variables", action="append", default=[], metavar="NAME=VALUE",
                        help="give a variable of the protocol another value; may be repeated")  # fmt: skip


def variables_of(args: argparse.Namespace) -> dict[str, str]:
    """Return the variables given by ``--set``. Raises: UserInputError for a word without '='."""
    found: dict[str, str] = {}
    for word in args.variables:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UserInputError(f"--set {word} is not NAME=VALUE.")
        found[name.strip()] = value.strip()
    return found


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-verb."""
    acts = {"list": _list, "show": _show, "check": _check, "convert": _convert, "schema": _schema}
    if args.what == "rehearse":
        from labctl.cli.rehearse import rehearse

        return rehearse(args)
    return acts[args.what](args)


def bound(args: argparse.Namespace, protocol: Protocol) -> Program:
    """Bind to the cell and channel that the arguments name, with the station's limits. Talks to no
    instrument.
    """
    from labctl.cli.binding import bind_offline
    from labctl.model.ids import ChannelId
    from labctl.store.catalogue import Catalogue

    if not args.cell or not args.channel:
        raise UserInputError("binding needs both --cell ID and --channel CHANNEL.")
    station = station_of(args)
    with Catalogue(root_of(args, station)) as catalogue:
        cell = catalogue.cells.get(args.cell)
    return bind_offline(station, protocol, cell, ChannelId(args.channel))


def _list(args: argparse.Namespace) -> int:
    from labctl.protocol.library import list_protocols

    entries = list_protocols()
    if args.json:
        emit_json(
            [
                {"name": at.name, "title": at.title, "description": at.description, "pack": at.pack,
                 "file": str(at.path), "problem": at.problem}
                for at in entries
            ]
        )  # fmt: skip
    else:
        print_table("", ("name", "what it is"), [(at.name, at.problem or at.title) for at in entries])
    return EXIT_FAILED if any(at.problem for at in entries) else EXIT_OK


def _loaded(args: argparse.Namespace) -> Protocol:
    from labctl.protocol.library import find_protocol
    from labctl.protocol.parse import load_protocol

    return load_protocol(find_protocol(args.protocol), variables_of(args))


def _show(args: argparse.Namespace) -> int:
    from labctl.protocol.document import protocol_hash
    from labctl.protocol.sentences import sentences

    protocol = _loaded(args)
    program = bound(args, protocol) if args.cell or args.channel else None
    lines = sentences(program or protocol)
    variables = {at.name: {"default": at.default, "note": at.note} for at in protocol.variables}
    notes = [{"kind": note.kind.value, "about": note.about, "text": note.text} for note in protocol.notes]
    if args.json:
        emit_json({"name": protocol.name, "hash": protocol_hash(protocol), "sentences": lines,
                   "variables": variables, "notes": notes})  # fmt: skip
        return EXIT_OK
    say(protocol.name)
    for line in lines:
        say(f"    {line}")
    if variables:
        say("variables (give other values with --set NAME=VALUE):")
        width = max(map(len, variables))
        for name, at in variables.items():
            say(f"    {name:<{width}}  {at['default']:<14}  {at['note']}")
    for note in notes:
        say(f"{note['kind']}: {note['text']}" + (f" ({note['about']})" if note["about"] else ""))
    if program is not None:
        _estimate(program)
    return EXIT_OK


def _check(args: argparse.Namespace) -> int:
    """Check alone, or bound; findings are told all at once."""
    try:
        protocol = _loaded(args)
        program = bound(args, protocol) if args.cell or args.channel else None
    except UserFileError as error:
        return _refused(args, [str(error)])
    except ProgramError as error:
        return _refused(args, list(error.findings))
    warnings = list(program.warnings) if program is not None else []
    if args.json:
        emit_json({"ok": True, "findings": [], "warnings": warnings})
        return EXIT_OK
    for text in warnings:
        say(f"warning: {text}")
    say(
        f"{protocol.name}: can run"
        + ("." if program else " as far as the file alone tells; --cell and --channel tell more.")
    )
    if program is not None:
        _estimate(program)
    return EXIT_OK


def _refused(args: argparse.Namespace, findings: list[str]) -> int:
    if args.json:
        emit_json({"ok": False, "findings": findings, "warnings": []})
    else:
        for text in findings:
            say(f"error: {text}", stderr=True)
    return EXIT_FAILED


def _estimate(program: Program) -> None:
    need = program.estimate
    say(
        f"about {duration(need.duration_expected_s)} (at most {duration(need.duration_s)}), {need.cycles} cycles, "
        f"{need.rows:,} rows, {need.bytes_on_disk / 1e6:.1f} MB, {need.host_decisions} host decisions"
    )


def _convert(args: argparse.Namespace) -> int:
    from labctl.protocol.convert import convert_protocol, read_foreign
    from labctl.protocol.library import find_protocol
    from labctl.protocol.parse import load_protocol

    if args.to:
        protocol = load_protocol(find_protocol(args.source), variables_of(args))
        program = bound(args, protocol) if args.cell or args.channel else None
        data, losses = convert_protocol(protocol, args.to, program=program)
    else:
        from labctl.protocol.document import to_yaml

        foreign, losses = read_foreign(Path(args.source), args.from_format)
        data = to_yaml(foreign).encode()
    texts = [f"{loss.place}: {loss.what}" for loss in losses]
    if args.out:
        _write_whole(Path(args.out), data)
    if args.json:
        emit_json({"file": args.out, "text": None if args.out else data.decode(), "losses": texts})
        return EXIT_OK
    if not args.out:
        say(data.decode())
    for text in texts:
        say(f"lost: {text}", stderr=True)
    say(f"{len(texts)} things could not be kept." if texts else "Nothing was lost.", stderr=True)
    return EXIT_OK


def _write_whole(target: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(target.name + ".tmp")
    temporary.write_bytes(data)
    temporary.replace(target)


def _schema(args: argparse.Namespace) -> int:
    from labctl.protocol.schema import json_schema

    emit_json(json_schema())
    return EXIT_OK
