"""``labctl eis``: take, read, judge, fit, draw and export impedance spectra; only ``run`` needs an instrument.

Wherever a spectrum is asked for, a file in any format that labctl knows will do, or the id of a stored one.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labctl.cli import eisrun
from labctl.cli.app import EXIT_FAILED, EXIT_OK, add_subverbs
from labctl.cli.atstation import dash
from labctl.cli.context import root_of
from labctl.cli.output import emit_json, print_table, say
from labctl.errors import UserFileError, UserInputError

if TYPE_CHECKING:
    from labctl.cli.eisinput import Named
    from labctl.interfaces.spectrumfile import SpectrumContent, SpectrumFormat
    from labctl.model.handover import SpectrumEntry
    from labctl.model.spectrum import Spectrum
    from labctl.store.spectra import SpectraStore, Stored, StoredSpectrum

HELP = "Take, import, test, fit, draw and export impedance spectra."

PLOT_KINDS = ("nyquist", "bode", "kk")
PLOT_FORMATS = ("pdf", "svg", "png")
SPECTRUM_HELP = "an impedance file, or the id of a stored spectrum"
WRITTEN = "parquet, csv, zplot, parstat, powersuite, versastudio"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    verbs = add_subverbs(
        parser,
        (
            ("run", "take a spectrum at one potentiostat, with you beside it; Ctrl-C switches the cell off"),
            ("import", "read impedance files and say what they hold; --cell stores them with a cell"),
            ("list", "list the spectra that are stored with cells"),
            (
                "kk",
                "test spectra for validity (Lin-KK, signs, amplitudes, overloads); exit 1 where one fails",
            ),
            ("fit", "fit a circuit: resistances with 95 %% intervals"),
            ("plot", "draw Nyquist, Bode or Kramers-Kronig residuals as a figure for paper"),
            ("export", "write spectra in a format that other programs read"),
        ),
    )
    eisrun.add_arguments(verbs["run"])
    load = verbs["import"]
    load.add_argument(
        "files", nargs="+", metavar="FILE", help="known by content: .par, .z, .DTA, .mpt, .txt, .csv"
    )
    load.add_argument("--cell", metavar="CELL", help="store the spectra with this registered cell")
    load.add_argument("--cycle", type=int, metavar="N", help="after which cycle they were taken; 0: fresh")
    load.add_argument(
        "--as", dest="fmt", metavar="FORMAT", help="read them as this format, whatever they look like"
    )
    load.add_argument(
        "--correct", action="store_true", help="replace the head of spectra that are stored already"
    )
    verbs["list"].add_argument("--cell", metavar="CELL", help="only those of this cell")
    for name in ("kk", "fit", "plot", "export"):
        verbs[name].add_argument("spectra", nargs="*", metavar="SPECTRUM", help=SPECTRUM_HELP)
        verbs[name].add_argument("--cell", metavar="CELL", help="all stored spectra of this cell, by cycle")
    circuit_help = "such as L-R-(RQ)-(RQ)-W (default: the cell's own, by its open-circuit voltage)"
    for name in ("fit", "plot"):
        verbs[name].add_argument("--circuit", metavar="CIRCUIT", help=circuit_help)
    plot = verbs["plot"]
    plot.add_argument("--kind", choices=PLOT_KINDS, default="nyquist")
    plot.add_argument("--fit", action="store_true", help="draw fitted circuits as lines through the points")
    plot.add_argument("--per-area", action="store_true", help="in ohm cm2; the electrode areas must be known")
    plot.add_argument("--format", choices=PLOT_FORMATS, default="pdf")
    plot.add_argument(
        "--width", type=int, choices=(85, 170), default=85, help="mm: one or two columns of a page"
    )
    plot.add_argument("--title", default="", metavar="TEXT")
    plot.add_argument("--out", metavar="FILE", help="where to write it (default: eis-KIND.FORMAT here)")
    export = verbs["export"]
    export.add_argument("--format", required=True, metavar="FORMAT", help=WRITTEN)
    export.add_argument(
        "--out", metavar="FILE", help="where to write one spectrum, or a folder (default: here)"
    )


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-verb."""
    if args.what in ("kk", "fit"):
        from labctl.cli import eisjudge

        return eisjudge.run(args)
    return {"run": eisrun.run, "import": _import, "list": _list, "plot": _plot, "export": _export}[args.what](
        args
    )


def _import(args: argparse.Namespace) -> int:
    """Read every file; one that cannot be read does not stop the others, and the exit code tells."""
    if args.cell is None and (args.cycle is not None or args.correct):
        raise UserInputError("--cycle and --correct go with --cell: they say what is stored.")
    from labctl.cli.eistarget import cell_target

    area_cm2, store = cell_target(args) if args.cell is not None else (None, None)
    told: list[dict[str, Any]] = []
    refused: list[str] = []
    for name in args.files:
        try:
            told += _import_file(Path(name), args, area_cm2, store)
        except UserFileError as error:
            refused.append(str(error))
    if args.json:
        emit_json({"spectra": told, "refused": refused})
    else:
        for entry in told:
            _tell_import(entry)
        for text in refused:
            say(f"refused: {text}")
    return EXIT_FAILED if refused else EXIT_OK


def _import_file(
    path: Path, args: argparse.Namespace, area_cm2: float | None, store: SpectraStore | None
) -> list[dict[str, Any]]:
    from dataclasses import replace

    from labctl.analysis.eisfiles.formats import bytes_of, read_bytes

    source = bytes_of(path)
    content, fmt = read_bytes(source, str(path), args.fmt)
    entries: list[tuple[StoredSpectrum, Stored] | None] = [None] * len(content.spectra)
    spectra = content.spectra
    if store is not None:
        heads = [replace(one.head, cell_id=args.cell, cycle=args.cycle) for one in spectra]
        if area_cm2 is not None:
            heads = [replace(head, area_cm2=area_cm2) for head in heads]
        spectra = tuple(replace(one, head=head) for one, head in zip(spectra, heads, strict=True))
        entries = list(store.add(spectra, source, path.name, correct=args.correct))
    return [
        _imported(path, fmt, content, spectrum, entry)
        for spectrum, entry in zip(spectra, entries, strict=True)
    ]


def _imported(
    path: Path,
    fmt: SpectrumFormat,
    content: SpectrumContent,
    spectrum: Spectrum,
    entry: tuple[StoredSpectrum, Stored] | None,
) -> dict[str, Any]:
    from labctl.analysis.eis.validity import findings
    from labctl.analysis.eisfiles.doubts import doubts
    from labctl.analysis.eisfiles.ownparquet import head_to_plain

    return {
        "file": str(path),
        "format": fmt.name,
        "name": spectrum.head.name,
        "points": len(spectrum),
        "from_Hz": float(spectrum.frequency_Hz[0]),
        "to_Hz": float(spectrum.frequency_Hz[-1]),
        "dc_rows": 0 if content.dc is None else len(content.dc.e_V),
        "findings": [*doubts(spectrum), *(one.text for one in findings(spectrum))],
        "id": None if entry is None else entry[0].spectrum_id,
        "stored": None if entry is None else entry[1].value,
        "head": head_to_plain(spectrum.head),
    }


def _tell_import(entry: dict[str, Any]) -> None:
    from labctl.analysis.eisfigures import frequency_text

    dc = f", {entry['dc_rows']} DC rows apart" if entry["dc_rows"] else ""
    ends = f"{frequency_text(entry['from_Hz'])} to {frequency_text(entry['to_Hz'])}"
    stored = f": {entry['stored']} as {entry['id']}" if entry["id"] else ""
    say(f"{entry['name']} ({entry['format']}): {entry['points']} points, {ends}{dc}{stored}")
    for text in (*entry["findings"], *entry["head"]["notes"]):
        say(f"    {text}")


def _list(args: argparse.Namespace) -> int:
    """List imported spectra and those of runs; the files are read, whether a station serves them or not."""
    from labctl.analysis.eisfiles.ownparquet import head_to_plain
    from labctl.model.plain import to_plain
    from labctl.station.spectra import SpectraIndex

    index = SpectraIndex(root_of(args))
    entries = index.list(args.cell or "")
    if args.json:
        stored = [index.get(one.spectrum_id)[0] for one in entries]
        emit_json(
            [
                {"id": one.spectrum_id, **to_plain(one), "path": str(file.path),
                 "head": head_to_plain(file.spectrum.head)}
                for one, file in zip(entries, stored, strict=True)
            ]
        )  # fmt: skip
        return EXIT_OK
    rows = [
        (
            one.spectrum_id,
            one.cell_id,
            dash(one.cycle),
            dash(one.run_id),
            str(one.points),
            _span(one),
            one.outcome,
        )
        for one in entries
    ]
    headers = ("spectrum", "cell", "cycle", "run", "points", "frequencies", "")
    print_table("", headers, rows, right=(2, 4))
    return EXIT_OK


def _span(entry: SpectrumEntry) -> str:
    from labctl.analysis.eisfigures import frequency_text

    return f"{frequency_text(entry.f_max_Hz)} to {frequency_text(entry.f_min_Hz)}" if entry.points else "—"


def _plot(args: argparse.Namespace) -> int:
    from labctl.analysis.figurestyle import save
    from labctl.cli.eisinput import chosen, figure_of

    named = chosen(args)
    figure = figure_of(named, args)
    target = Path(args.out) if args.out else Path(f"eis-{args.kind}.{args.format}")
    if target.suffix.lower() != f".{args.format}":
        target = target.with_name(f"{target.name}.{args.format}")
    path = save(figure, target)
    if args.json:
        emit_json({"path": str(path), "spectra": [one.label for one in named]})
    else:
        say(f"wrote {path}")
    return EXIT_OK


def _export(args: argparse.Namespace) -> int:
    from labctl.analysis.eisfiles.formats import format_named, write_file
    from labctl.cli.eisinput import chosen

    named = chosen(args)
    fmt = format_named(args.format)
    written = []
    ending = f"-{fmt.name}.txt" if fmt.suffixes[0] == ".txt" else fmt.suffixes[0]
    targets = _targets(named, args.out, ending)
    sources = [path for word in args.spectra if (path := Path(word)).is_file()]
    for path in targets:
        if path.exists() and any(path.samefile(source) for source in sources):
            raise UserInputError(
                f"{path} is what the spectrum is read from: name another file or folder with --out."
            )
    for one, path in zip(named, targets, strict=True):
        done = write_file(one.spectrum, path, fmt.name)
        written.append({"path": str(done.path), "points": done.points, "left_out": done.left_out})
        if not args.json:
            note = f"; {done.left_out} points without an impedance were left out" if done.left_out else ""
            say(f"wrote {done.path} ({done.points} points{note})")
    if args.json:
        emit_json(written)
    return EXIT_OK


def _targets(named: list[Named], out: str | None, suffix: str) -> list[Path]:
    """Return a path per spectrum, no two the same. Raises: UserInputError for one file and several spectra."""
    folder = Path(out) if out else Path()
    if out and not folder.is_dir():
        if len(named) > 1:
            raise UserInputError(
                f"{len(named)} spectra do not go into one file: name a folder that exists with --out."
            )
        return [folder]
    paths: list[Path] = []
    for one in named:
        stem = (
            "".join(sign if sign.isalnum() or sign in "-_." else "-" for sign in one.file_stem) or "spectrum"
        )
        count = sum(path.name in (f"{stem}{suffix}", f"{stem}-{len(paths) + 1}{suffix}") for path in paths)
        paths.append(folder / (f"{stem}-{len(paths) + 1}{suffix}" if count else f"{stem}{suffix}"))
    return paths
