"""The entry point: finds the verb in a static table, loads only its module, turns errors into one paragraph.

``labctl --help`` must answer in a few tens of milliseconds, so nothing but argparse is imported before a verb
is known
(budget F1). Verbs that need a sibling package are found through the entry-point group ``labctl.commands``
when they are
called, never for the help text.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence
from typing import NamedTuple, NoReturn, Protocol, cast

from labctl.errors import LabctlError, ProgramError, UserInputError

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2


class Verb(NamedTuple):
    """One line of the help table: the module that implements it, or ``entry:NAME`` of a sibling package."""

    name: str
    target: str
    help: str


VERBS: tuple[Verb, ...] = (
    Verb(
        "demo", "labctl.cli.demo", "run the reference study on a virtual bench and compare with its numbers"
    ),
    Verb(
        "serve", "labctl.cli.serve", "run the station that owns instruments, queue, limits, alarms and data"
    ),
    Verb("gui", "labctl.cli.gui", "open the operator's window; --demo shows a campaign on a virtual bench"),
    Verb("run", "labctl.cli.run", "run a protocol on a cell in a channel and follow it"),
    Verb("queue", "labctl.cli.queue", "list, add, order, hold, release and retry jobs; show the calendar"),
    Verb("runs", "labctl.cli.runs", "list, show, follow, stop, pause, resume, change, plot and export runs"),
    Verb("eis", "labctl.cli.eis", "take, import, test, fit, draw and export impedance spectra"),
    Verb("handover", "labctl.cli.handover", "show cells on their way to a potentiostat; confirm moved leads"),
    Verb("channel", "labctl.cli.channel", "list channels, load and eject cells, reset a trip"),
    Verb("protocols", "labctl.cli.protocols", "list, show, check, convert and rehearse protocols"),
    Verb("cells", "labctl.cli.cells", "register, correct, show and import cells; their history"),
    Verb("electrodes", "labctl.cli.electrodes", "the same for electrodes and the sheets they are cut from"),
    Verb("batches", "labctl.cli.batches", "the same for batches of cells or electrodes"),
    Verb("alarms", "labctl.cli.alarms", "list, acknowledge, shelve and disable alarms"),
    Verb("stop-all", "labctl.cli.stopall", "stop all outputs of the bench, until a person releases it"),
    Verb(
        "instruments",
        "labctl.cli.instruments",
        "list instruments, ask one who it is, scan ports and addresses",
    ),
    Verb("chamber", "labctl.cli.chamber", "read or set the temperature chambers of the station"),
    Verb("users", "labctl.cli.users", "give people and programs tokens with a role, take them away"),
    Verb("audit", "labctl.cli.audit", "show who did what and why; verify the journal"),
    Verb("notify", "labctl.cli.notify", "show how people are told of alarms, send a test message"),
    Verb("store", "labctl.cli.store", "verify stored data, rebuild the catalogue, print digests"),
    Verb("init", "labctl.cli.init", "write a commented station file"),
    Verb("doctor", "labctl.cli.doctor", "check this computer, the station file and the instruments"),
    Verb("sim", "entry:sim", "serve a virtual bench: simulated instruments on real TCP ports"),
    Verb("bench", "labctl.cli.bench", "ask a virtual bench something over its admin link"),
)


class VerbModule(Protocol):
    """What a verb's module offers."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None: ...
    def run(self, args: argparse.Namespace) -> int: ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line; returns the exit code (0 ok, 1 refused or failed, 2 usage)."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(_help_text())
        return EXIT_OK if words else EXIT_USAGE
    if words[0] in ("-V", "--version"):
        from labctl import __version__

        sys.stdout.write(f"labctl {__version__}\n")
        return EXIT_OK
    verb = next((verb for verb in VERBS if verb.name == words[0]), None)
    if verb is None:
        sys.stderr.write(_unknown_verb(words[0]))
        return EXIT_USAGE
    return _guarded(verb, words[1:])


def _guarded(verb: Verb, words: Sequence[str]) -> int:
    """Run a verb; expected errors become one paragraph on standard error, never a traceback."""
    if "--json" in words:
        from labctl.cli.output import start_over

        start_over()
    try:
        module = _load(verb)
        args = parse(verb, module, words)
        code = module.run(args)
        sys.stdout.flush()
        return code
    except UserInputError as error:
        return _tell(verb, words, error, EXIT_USAGE)
    except BrokenPipeError:
        # The reader of a pipe has gone; point stdout elsewhere so that the interpreter's last flush is
        # quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except (LabctlError, OSError) as error:
        return _tell(verb, words, error, EXIT_FAILED)
    except KeyboardInterrupt:
        return _tell(verb, words, LabctlError("interrupted."), EXIT_FAILED)
    except BaseExceptionGroup as group:
        if group.split((LabctlError, OSError))[1] is not None:
            return _tell(verb, words, LabctlError(_crash_report(group)), EXIT_FAILED)
        return _tell(verb, words, LabctlError("\n".join(map(_text, _leaves(group)))), EXIT_FAILED)
    except Exception as bug:
        return _tell(verb, words, LabctlError(_crash_report(bug)), EXIT_FAILED)


def _tell(verb: Verb, words: Sequence[str], error: BaseException, code: int) -> int:
    """Say what went wrong: for people on standard error; with --json as the one document on standard output.

    ``sim`` is left out: its standard output begins with its own first line, or has none.
    """
    sys.stderr.write(f"labctl {verb.name}: {_text(error)}\n")
    if "--json" in words and not verb.target.startswith("entry:"):
        from labctl.cli.output import emit_json, has_emitted

        if not has_emitted():
            findings = error.findings if isinstance(error, ProgramError) else (_text(error),)
            emit_json({"error": _text(error), "findings": list(findings), "exit_code": code})
    return code


def _text(error: BaseException) -> str:
    """Return what a person can act on; each reason of a refused program stands on a line of its own."""
    if isinstance(error, ProgramError) and len(error.findings) > 1:
        return "\n".join(("this protocol cannot run so:", *(f"    {text}" for text in error.findings)))
    if isinstance(error, OSError) and not isinstance(error, LabctlError) and error.filename is not None:
        return _file_text(error)
    return str(error)


def _file_text(error: OSError) -> str:
    """Say what the operating system refused, and what to do."""
    place = " and ".join(str(name) for name in (error.filename, error.filename2) if name is not None)
    fixes = {
        FileNotFoundError: "Check the path.",
        PermissionError: "Choose another place, or ask for the right to use this one.",
        IsADirectoryError: "This is a folder; name a file.",
        NotADirectoryError: "A part of this path is a file, not a folder; choose another place.",
    }
    fix = next((text for kind, text in fixes.items() if isinstance(error, kind)), "")
    return f"{place}: {error.strerror}. {fix}".rstrip()


def _crash_report(bug: BaseException) -> str:
    """Save the traceback of a bug on this computer (X15) and say where it is."""
    import tempfile
    import traceback

    handle, name = tempfile.mkstemp(prefix="labctl-crash-", suffix=".txt", text=True)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        traceback.print_exception(bug, file=file)
    return (
        f"this is a bug in labctl, not your mistake ({type(bug).__name__}: {bug}). What was stored is safe, and "
        f"device-driven cells go on. Please send {name} to the maintainers after a look at what it says."
    )


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    """Return the single errors of a group, in order, each text once."""
    found: dict[str, BaseException] = {}
    for error in group.exceptions:
        for leaf in _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]:
            found.setdefault(str(leaf), leaf)
    return list(found.values())


class _Parser(argparse.ArgumentParser):
    """Turns wrong words into the same kind of error as everything else; sub-verbs get the same class."""

    def error(self, message: str) -> NoReturn:
        """Raise UserInputError with the usage line."""
        usage = " ".join(self.format_usage().split())
        raise UserInputError(f"{message}. Correct is: {usage.removeprefix('usage: ')}")


def parse(verb: Verb, module: VerbModule, words: Sequence[str]) -> argparse.Namespace:
    """Parse a verb's words; ``json``, ``data``, ``station`` and ``verbose`` exist on every verb."""
    parser = _Parser(prog=f"labctl {verb.name}", description=module.HELP, allow_abbrev=False)
    add_common(parser)
    module.add_arguments(parser)
    defaults = argparse.Namespace(json=False, data=None, station=None, verbose=False)
    return parser.parse_args(words, namespace=defaults)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add the options that every verb and sub-verb takes.

    Their defaults are suppressed and set once in ``parse``, so that ``labctl runs --json list`` and
    ``labctl runs list --json`` mean the same.
    """
    group = parser.add_argument_group("common options")
    suppress = argparse.SUPPRESS
    group.add_argument(
        "--json", action="store_true", default=suppress, help="print JSON on standard output, nothing else"
    )
    group.add_argument(
        "--data",
        metavar="DIR",
        default=suppress,
        help="data root (default: the station's, else ./labctl-data)",
    )
    group.add_argument(
        "--station",
        metavar="FILE",
        default=suppress,
        help="station file (default: LABCTL_STATION, then the user's)",
    )
    group.add_argument(
        "-v", "--verbose", action="store_true", default=suppress, help="log what happens to standard error"
    )


def add_subverbs(
    parser: argparse.ArgumentParser, table: Sequence[tuple[str, str]]
) -> dict[str, argparse.ArgumentParser]:
    """Add sub-verbs ``(name, help)``, each with the common options; the chosen one is ``args.what``."""
    parsers = parser.add_subparsers(dest="what", metavar="WHAT", required=True)
    made: dict[str, argparse.ArgumentParser] = {}
    for name, text in table:
        made[name] = parsers.add_parser(name, help=text, description=text, allow_abbrev=False)
        add_common(made[name])
    return made


def _load(verb: Verb) -> VerbModule:
    if not verb.target.startswith("entry:"):
        return cast(VerbModule, importlib.import_module(verb.target))
    from importlib.metadata import entry_points

    name = verb.target.removeprefix("entry:")
    for point in entry_points(group="labctl.commands", name=name):
        return cast(VerbModule, point.load())
    raise UserInputError(
        f"the package that brings '{name}' is not installed. Install labctl again from its folder."
    )


def _unknown_verb(word: str) -> str:
    from difflib import get_close_matches

    if word.startswith("-"):
        return f"labctl: options stand behind the verb, as in: labctl runs list {word}. See labctl --help.\n"
    near = get_close_matches(word, [verb.name for verb in VERBS], n=1)
    hint = f" Did you mean '{near[0]}'?" if near else ""
    return f"labctl: there is no verb '{word}'.{hint} See labctl --help.\n"


def _help_text() -> str:
    lines = [
        "usage: labctl VERB [options]",
        "",
        "Control and data acquisition for battery labs.",
        "",
        "verbs:",
    ]
    lines += [f"  {verb.name:<12} {verb.help}" for verb in VERBS]
    lines += ["", "labctl VERB --help tells more. Every verb takes --json, --data DIR and --station FILE.",
              "Exit codes: 0 ok, 1 refused or failed, 2 usage."]  # fmt: skip
    return "\n".join(lines) + "\n"
