"""``labctl demo eis``: spectra in the life of cells, taken over the wire, fitted, held against what the bench knows.

First a pristine and a coated cell on one cycler with one PARSTAT for both, five ages, in one queue; then a fresh pair
at the other potentiostats, each up to its own limits.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labctl.cli.app import EXIT_FAILED, EXIT_OK
from labctl.cli.demoparts import DEFAULT_DATA, FIGURE_FORMATS, end_detached, tell_detached
from labctl.cli.output import emit_json, print_table, say
from labctl.errors import UserInputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from labctl.analysis.eis.cell import CellImpedance
    from labctl.analysis.eis.truth import Compared, Judged
    from labctl.cli.demolife import Life
    from labctl.cli.demoothers import Measured, Others
    from labctl.engine.jobs import RunResult
    from labctl.model.cell import Cell
    from labctl.store.root import DataRoot

AGES = 5
FIGURE = "P6-ages"
SHORTED_LAST = "C0001"
"""The pristine cell: its last spectrum is of a shorted cell, or the demo has not shown what it is for."""
HEADERS = ("cell", "cycles", "spectrum", "quantity", "fitted / Ω", "truth / Ω", "off", "limit", "within")
OTHER_HEADERS = (
    "potentiostat",
    "cell",
    "points",
    "quantity",
    "fitted / Ω",
    "truth / Ω",
    "off",
    "limit",
    "within",
)


@dataclass(frozen=True, slots=True)
class Row:
    """One spectrum of the result. ``judged`` is None where there is none to judge; then ``problem`` says why."""

    instrument: str
    cell_id: str
    cell: str
    spectrum_id: str
    judged: Judged | None
    problem: str
    refused: tuple[str, ...] = ()


def run(args: argparse.Namespace) -> int:
    """Run the demo. Exit code 0: every figure is within its limit, nothing is left on; 1: something is not so."""
    from labctl.cli.demolife import live
    from labctl.cli.demoothers import measure_others
    from labctl.cli.following import note_runs
    from labctl.store.root import DataRoot

    if args.all or args.bench:
        raise UserInputError(
            "--all and --bench belong to the study's cycling: say 'labctl demo' without eis."
        )
    with DataRoot(Path(args.data or DEFAULT_DATA), create=True).lock("labctl demo eis") as root:
        life = live(args, root)
        ended = end_detached(root, life.results) if life.bench is None else []
        note_runs(root, life.results)
        if life.bench is None:
            return tell_detached(args, root, ended)
        others = measure_others(args, root)
        return _conclude(args, root, life, others)


def _conclude(args: argparse.Namespace, root: DataRoot, life: Life, others: Others) -> int:
    """Judge what was stored, draw it, tell both; return the exit code."""
    assert life.bench is not None
    cells = _cells(root)
    rows = [row for result in life.results for row in _life_rows(root, life, result, cells)]
    other_rows = [_other_row(one, judged, cells) for one, judged in others.judged()]
    problems = [*life.bench.problems, *others.bench.problems]
    figures = _draw(rows, Path(root.path) / "figures")
    ok = not problems and all(not row.problem for row in (*rows, *other_rows))
    if args.json:
        emit_json(
            {
                "seed": args.seed,
                "ok": ok,
                "life": [plain(row) for row in rows],
                "others": [plain(row) for row in other_rows],
                "problems": problems,
                "figures": [str(path) for path in figures],
            }
        )
    else:
        _tell(rows, other_rows, figures)
    for text in problems:
        say(text, stderr=True)
    return EXIT_OK if ok else EXIT_FAILED


def _cells(root: DataRoot) -> dict[str, Cell]:
    from labctl.store.catalogue import Catalogue

    with Catalogue(root) as catalogue:
        return {str(cell.cell_id): cell for cell in catalogue.cells.list()}


def _life_rows(root: DataRoot, life: Life, result: RunResult, cells: Mapping[str, Cell]) -> list[Row]:
    """Return a row per spectrum of a run, and one more for what is missing."""
    from labctl.cli.demolife import PLACES, POTENTIOSTAT, judged

    assert life.bench is not None
    found = judged(root, result, life.bench)
    cell_id = list(PLACES)[result.index]
    title = _title(cells[cell_id])
    rows = [Row(POTENTIOSTAT, cell_id, title, one.result.head.name, one, one.problem) for one in found]
    missing = missing_of(result, cell_id, found)
    return [*rows, Row(POTENTIOSTAT, cell_id, title, "", None, missing)] if missing else rows


def missing_of(result: RunResult, cell_id: str, found: Sequence[Judged]) -> str:
    """Return what a run does not show as a whole; empty where it does."""
    from labctl.analysis.eis.cell import Outcome
    from labctl.store.runspectra import WHOLE, facts_of

    if not result.ok:
        return f"the run ended as {result.outcome or result.state}: {result.reason}"
    if len(found) != AGES:
        return f"{len(found)} of {AGES} spectra are stored"
    for one in found:
        facts = facts_of(one.result.head)
        if facts is not None and facts.outcome != WHOLE:
            return f"{one.result.head.name} is {facts.outcome}: {facts.text}"
    last = found[-1].result
    if cell_id == SHORTED_LAST and last.outcome is not Outcome.SHORTED:
        return f"the pristine cell is not shorted after {last.head.cycle} cycles: take another --seed"
    return ""


def _other_row(one: Measured, judged: Judged | None, cells: Mapping[str, Cell]) -> Row:
    problem = "" if judged is None else judged.problem
    if judged is None:
        why = one.taken.error or " ".join(one.taken.refused) or "it was ended"
        problem = f"{one.taken.points} of {one.taken.expected} points: {why}"
    return Row(
        one.model, one.cell_id, _title(cells[one.cell_id]), one.spectrum_id, judged, problem, one.refused
    )


def _title(cell: Cell) -> str:
    return f"{cell.coating}-coated" if cell.coating else "pristine"


def plain(row: Row) -> dict[str, Any]:
    """Return a row as plain JSON values."""
    judged = row.judged
    document: dict[str, Any] = {
        "potentiostat": row.instrument, "cell": row.cell_id, "is": row.cell, "spectrum": row.spectrum_id,
        "ok": not row.problem, "problem": row.problem, "refused": list(row.refused),
    }  # fmt: skip
    if judged is None:
        return document
    result, frequency_Hz = judged.result, judged.result.spectrum.frequency_Hz
    return document | {
        "cycle": result.head.cycle,
        "points": len(frequency_Hz),
        "from_Hz": float(frequency_Hz[0]),
        "to_Hz": float(frequency_Hz[-1]),
        "outcome": result.outcome.value,
        "reason": result.reason,
        "shorted": None if judged.truth is None else judged.truth.shorted,
        "told_apart": result.separate,
        "kk": None if result.kk is None else {"passed": result.kk.passed, "rms": result.kk.rms},
        "findings": [{"kind": one.kind.value, "text": one.text} for one in result.findings],
        "quantities": [_line_plain(line) for line in judged.lines],
    }


def _line_plain(line: Compared) -> dict[str, Any]:
    return {
        "quantity": line.quantity, "fitted_ohm": line.fitted.value, "low_ohm": line.fitted.low,
        "high_ohm": line.fitted.high, "truth_ohm": line.truth_ohm, "off": line.off, "limit": line.limit, "ok": line.ok,
    }  # fmt: skip


def _draw(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Draw the ages of both cells; nothing where a cell has no spectrum."""
    from labctl.analysis.eis.report import curve
    from labctl.analysis.eisages import ages
    from labctl.analysis.eisfigures import Drawn
    from labctl.analysis.figurestyle import save

    columns: dict[str, list[Drawn]] = {}
    for letter, cell_id in zip("abcdefgh", dict.fromkeys(row.cell_id for row in rows), strict=False):
        mine = [row for row in rows if row.cell_id == cell_id and row.judged is not None]
        results = [row.judged.result for row in mine if row.judged is not None]
        if not results:
            return []
        columns[f"({letter}) {mine[0].cell}{_shorted_text(results)}"] = [
            Drawn(one.head.name, one.spectrum, *(curve(one.fit) if one.fit else (None, None)))
            for one in results
        ]
    return [save(ages(columns), folder / f"{FIGURE}.{form}") for form in FIGURE_FORMATS] if columns else []


def _shorted_text(results: Sequence[CellImpedance]) -> str:
    shorted = [str(one.head.cycle) for one in results if one.short is not None]
    return f", shorted at {', '.join(shorted)} cycles" if shorted else ""


def _tell(rows: Sequence[Row], other_rows: Sequence[Row], figures: Sequence[Path]) -> None:
    """Print both tables, every finding, and the files."""
    said = [line for row in rows for line in table_rows(row, (row.cell, _age(row), _number(row)))]
    print_table(
        "P6 in the life of two cells, PARSTAT 4000A behind its bridge", HEADERS, said, right=(1, 4, 5, 6, 7)
    )
    said = [line for row in other_rows for line in table_rows(row, (row.instrument, row.cell, _points(row)))]
    print_table(
        "P6 on fresh cells, other potentiostats up to their limits",
        OTHER_HEADERS,
        said,
        right=(2, 4, 5, 6, 7),
    )
    for text, names in _notes((*rows, *other_rows)).items():
        say(f"{text} ({'; '.join(names)})")
    for row in (*rows, *other_rows):
        if row.problem:
            say(f"{_name(row)}: {row.problem}", stderr=True)
    say(
        "R_b beside a film a hundred times as large is not to be read at 1 MHz (docs/eis.md, 'How good it is')."
    )
    say("Hands and the person at PowerSuite were played by the demo, through the bench's admin link.")
    for path in figures:
        say(f"figure {path}")


def _notes(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Return every finding and refusal once, with the spectra it belongs to."""
    found: dict[str, list[str]] = {}
    for row in rows:
        for text in row.refused:
            found.setdefault(f"P6 whole was refused before the cell was on: {text}", []).append(_name(row))
        for finding in () if row.judged is None else row.judged.result.findings:
            found.setdefault(finding.text, []).append(_name(row))
    return found


def _name(row: Row) -> str:
    age = _age(row)
    return f"{row.instrument}, {row.cell}{f' {age}' if age not in ('', '0') else ''}"


def _age(row: Row) -> str:
    return "" if row.judged is None else str(row.judged.result.head.cycle)


def _number(row: Row) -> str:
    """Return the end of a run spectrum's id and how its Kramers-Kronig test went."""
    if row.judged is None or row.judged.result.kk is None:
        return ""
    kk = row.judged.result.kk
    return f"{row.spectrum_id.rpartition('-')[2]}, KK {100.0 * kk.rms:.2f} %{'' if kk.passed else ' FAILED'}"


def _points(row: Row) -> str:
    return "" if row.judged is None else str(len(row.judged.result.spectrum))


def table_rows(row: Row, names: tuple[str, str, str]) -> list[tuple[str, ...]]:
    """Return the lines of one spectrum; the names stand on the first alone."""
    if row.judged is None or not row.judged.lines:
        what = row.problem if row.judged is None else row.judged.result.outcome.value
        return [(*names, what, "", "", "", "", "NO" if row.problem else "yes")]
    apart = row.judged.result.separate
    return [
        (
            *(names if place == 0 else ("", "", "")),
            line.quantity
            + ("" if apart or line.quantity in ("R_b", "R_SEI + R_ct") else " (not told apart)"),
            f"{line.fitted.value:.4g}",
            f"{line.truth_ohm:.4g}",
            f"{100.0 * line.off:+.1f} %",
            "" if line.limit != line.limit else f"± {100.0 * line.limit:g} %",
            "yes" if line.ok and line.limit == line.limit else "—" if line.ok else "NO",
        )
        for place, line in enumerate(row.judged.lines)
    ]
