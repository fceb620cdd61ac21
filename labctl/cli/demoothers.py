"""The second half of ``labctl demo eis``: the other potentiostats, each up to its own limits, on a fresh pair of cells.

Nothing carries these cells but hands, and one instrument is worked by a person: the demo plays both through the bench's
admin link, and says so.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labctl.cli.demoparts import bench_folder, register
from labctl.cli.output import say
from labctl.errors import InstrumentError, UserInputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from labctl.adminlink import AdminLink
    from labctl.analysis.eis.truth import Judged
    from labctl.cli.demotruth import BenchTruth
    from labctl.clock import Clock
    from labctl.engine.attended import Taken
    from labctl.interfaces.potentiostat import Measurement, PersonAsked, Potentiostat
    from labctl.model.cell import Cell
    from labctl.model.spectrum import Spectrum
    from labctl.model.technique import Peis
    from labctl.store.root import DataRoot
    from labctl.transport.base import Transport

BENCH = "eis-others"
HIGHEST_HZ, LOWEST_HZ, PER_DECADE, AMPLITUDE_V = 1e6, 0.1, 10, 0.01
"""P6."""
WHO = "labctl demo (in the place of a person)"
DRIVERS: Mapping[str, tuple[str, Mapping[str, object]]] = {
    "methodscript": ("methodscript", {}),
    "par273a": ("par273a", {"analyser": "lockin72xx", "step_max_s": 7200.0, "step_max_by": WHO}),
    "powersuite": ("powersuite-files", {}),
}
"""Driver and options by the kind that the bench names. Down to 0.1 Hz a 273A with a lock-in takes an hour, and a cell
may be driven 15 min by an instrument without watchdog unless somebody allows more.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One cell at one potentiostat. ``refused`` says why it did not take the whole of P6."""

    instrument: str
    model: str
    cell_id: str
    refused: tuple[str, ...]
    taken: Taken
    spectrum_id: str = ""
    spectrum: Spectrum | None = None


@dataclass(frozen=True, slots=True)
class Others:
    """What the other potentiostats measured, and what their bench knows."""

    measured: tuple[Measured, ...]
    bench: BenchTruth

    def judged(self) -> list[tuple[Measured, Judged | None]]:
        """Return each with its comparison; None where there is no whole spectrum."""
        from labctl.analysis.eis.cell import analyse
        from labctl.analysis.eis.truth import judge, truth_for

        found: list[tuple[Measured, Judged | None]] = []
        for one in self.measured:
            if one.spectrum is None or not one.taken.is_whole:
                found.append((one, None))
                continue
            truth = truth_for(one.spectrum, self.bench.truths[one.instrument], self.bench.epoch_unix_s)
            found.append((one, judge(analyse(one.spectrum), truth, fresh=True)))
        return found


def measure_others(args: argparse.Namespace, root: DataRoot) -> Others:
    """Start their bench, measure both cells at each, ask the bench for the truth, end it. Raises: InstrumentError."""
    from labctl.cli.demobench import demo_bench
    from labctl.clock import ClockMode, ClockSpec, run_with_clock

    words = [
        "--mode",
        "lockstep",
        "--bench",
        BENCH,
        "--seed",
        str(args.seed),
        "--speed",
        args.speed,
        "--port",
        "0",
    ]
    if args.keep:
        words += ["--state", str(bench_folder(root.path))]
    with demo_bench(words) as bench:
        cells = register(root, bench.cells_file)
        speed = None if args.speed == "max" else float(args.speed)
        spec = ClockSpec(ClockMode.LOCKSTEP, admin=str(bench.first["admin"]), speed=speed)

        async def main(clock: Clock) -> Others:
            return await _Round(bench.first, cells, root, clock, quiet=args.json).go()

        return run_with_clock(spec, main)


class _Round:
    """Carries each cell to each potentiostat and measures it there."""

    def __init__(
        self,
        first: Mapping[str, Any],
        cells: Mapping[str, Cell],
        root: DataRoot,
        clock: Clock,
        *,
        quiet: bool,
    ) -> None:
        from labctl.adminlink import AdminLink
        from labctl.cli.demotruth import potentiostats_of

        self._told = potentiostats_of(first)
        self._address = str(first["admin"])
        self._cells, self._root, self._clock, self._quiet = cells, root, clock, quiet
        self._admin: AdminLink = AdminLink()

    async def go(self) -> Others:
        """Measure all, then ask the bench."""
        from labctl.cli.demotruth import look

        await self._admin.open(self._address)
        try:
            measured = []
            for name in self._told:
                for cell_id in self._cells:
                    await self._admin.request("cell.place", cell=cell_id, to=name)
                    measured.append(await self._measure(name, cell_id))
                    await self._admin.request("cell.place", cell=cell_id, to=None)
            return Others(tuple(measured), await look(self._admin, list(self._told)))
        finally:
            await self._admin.close()

    async def _measure(self, name: str, cell_id: str) -> Measured:
        """Take P6, or as much of it as this potentiostat reaches, and store it with its raw frames."""
        from labctl.engine.attended import Taken, measured

        capture: list[str] = []
        potentiostat = self._potentiostat(name, capture)
        try:
            taken = Taken(await potentiostat.open())
            limits = potentiostat.capabilities()
            technique = _p6(HIGHEST_HZ)
            refused = potentiostat.refusals(technique)
            if refused:
                technique = _p6(min(HIGHEST_HZ, limits.eis_max_Hz))
            taken = replace(taken, expected=technique.sweep.points)
            if not self._quiet:
                say(f"{limits.model}: {cell_id}, {_to_text(technique)}")
            ask = self._person(name)
            taken = await measured(potentiostat, technique, asyncio.Event(), _show_nothing, taken, ask)
        finally:
            await potentiostat.close()
        result = Measured(name, limits.model, cell_id, refused, taken)
        return result if taken.spectrum is None else self._stored(result, taken.spectrum, capture)

    def _stored(self, result: Measured, spectrum: Spectrum, capture: list[str]) -> Measured:
        from labctl.store.spectra import SpectraStore

        cell = self._cells[result.cell_id]
        head = replace(
            spectrum.head, cell_id=result.cell_id, cycle=0, area_cm2=cell.effective_area_cm2 or float("nan")
        )
        ((entry, _),) = SpectraStore(self._root).add(
            [replace(spectrum, head=head)], "".join(capture).encode(), "wire.jsonl"
        )
        return replace(result, spectrum_id=entry.spectrum_id, spectrum=entry.spectrum)

    def _potentiostat(self, name: str, capture: list[str]) -> Potentiostat:
        """Return the closed driver on its real transport, every byte written down."""
        from labctl.engine.station import load_driver
        from labctl.transport import open_transport
        from labctl.transport.capture import CaptureTransport, Event

        told = self._told[name]
        driver, options = DRIVERS[str(told["kind"])]
        resource = (
            Path(told["folder"]).as_uri() if "folder" in told else f"tcp://{told['host']}:{told['port']}"
        )
        header = {
            "event": Event.BEGIN.value, "instrument": name, "driver": driver, "resource": resource,
            "utc": self._clock.link.utc().isoformat(), "plant_s": self._clock.plant.now_s(),
        }  # fmt: skip
        capture.append(json.dumps(header) + "\n")

        def captured(asked: str) -> Transport:
            return CaptureTransport(open_transport(asked, self._clock), self._clock, capture.append)

        made: Potentiostat = load_driver(driver)(name, resource, options, self._clock, captured)
        return made

    def _person(self, name: str) -> Any:
        """Return who does what an attended instrument asks: the demo, through the bench's admin link."""
        from labctl.interfaces.potentiostat import PersonAct

        async def ask(asked: PersonAsked) -> str:
            if asked.act is PersonAct.BEGIN:
                await self._admin.request("powersuite.run", instrument=name, sheet=asked.sheet)
            elif asked.act is PersonAct.STOP:
                await self._admin.request("powersuite.stop", instrument=name)
            elif (await self._admin.request("truth", slot=name))["cell_on"]:
                raise InstrumentError("the export has come, and the cell is still on", instrument=name)
            return WHO

        return ask


def _p6(highest_Hz: float) -> Peis:
    from labctl.model.technique import FrequencySweep, Peis

    try:
        return Peis(FrequencySweep(highest_Hz, LOWEST_HZ, PER_DECADE), AMPLITUDE_V)
    except ValueError as error:
        raise UserInputError(f"{error}.") from error


def _to_text(technique: Peis) -> str:
    from labctl.analysis.eisfigures import frequency_text

    sweep = technique.sweep
    return f"{sweep.points} points, {frequency_text(sweep.f_start_Hz)} to {frequency_text(sweep.f_end_Hz)}"


def _show_nothing(measurement: Measurement, block: Spectrum) -> None:
    """Show no single points: a sweep of a virtual bench is over in a moment."""
