"""Cells that go from cycler to potentiostat and back on a virtual bench in this process, in jump mode.

The real engine, drivers and store on the real simulators: the bench tells who drove which cell when, and counts as a
violation whatever must never happen. A person at the bench moves leads as the engine asks and confirms::

    lab = HandoverBench(tmp_path)                       # or HandoverBench(tmp_path, multiplexer=True)
    lab.supervise(lab.one(job(lab.program(times=3))))
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from labctl.config.station import PotentiostatEntry, SwitchEntry
from labctl.engine import hooks
from labctl.engine.jobs import Job, RunResult
from labctl.engine.supervisor import Supervisor
from labctl.errors import UserInputError
from labctl.model.cell import CellKind
from labctl.model.handover import HandoverStatus, PotentiostatStatus, SpectrumEntry, Stage
from labctl.model.ids import ChannelId, RunId
from labctl.model.program import HostRepeat, Program, Segment, Spectroscopy
from labctl.model.spectrum import Spectrum
from labctl.model.technique import FrequencySweep, Peis
from labctl.store.runspectra import facts_of, spectra_of
from labctl.store.simdisk import SimulatedDisk
from labctl.store.spectra import stored_of
from labctl.testing.benchrun import small_bench
from labctl.testing.fakeruns import charge, job, program, rest
from labctl.testing.supervised import Heard, SupervisedBench

SWEEP = FrequencySweep(10e3, 10.0, 2)
"""Seven points: enough to be broken off in the middle."""
EMSTAT: tuple[Mapping[str, object], str, Mapping[str, object]] = ({"model": "es4_hr"}, "methodscript", {})
"""What stands on the bench, its driver, and the driver's options."""

STEP_S = 60.0
Story = Callable[[Supervisor], Coroutine[Any, Any, RunResult]]


def cycle_with_spectrum(
    times: int = 1, sweep: FrequencySweep = SWEEP, place: str = "1-1", current_A: float = 0.2e-3
) -> Program:
    """Return charge - rest - eis - discharge for the cell in a channel, so many times."""
    spectrum = Spectroscopy(1, Peis(sweep, 0.01, settle_s=1.0), sentence="Impedance.")
    body = (
        Segment(1, (charge(1, STEP_S, current_A), rest(2, STEP_S))),
        spectrum,
        Segment(2, (charge(3, STEP_S, -current_A),)),
    )
    return program(body if times == 1 else (HostRepeat(f"pass >= {times}", times, body),), place)


@dataclass(slots=True)
class When:
    """Something that happens in the middle of a spectrum."""

    points: int
    act: Callable[[], object]
    done: bool = False


class Killed(BaseException):
    """The end of a process that nothing in it hears of."""


@dataclass(frozen=True, slots=True)
class StoredOne:
    """One spectrum as it lies in a run's folder."""

    spectrum_id: str
    spectrum: Spectrum
    part: int
    outcome: str


class HeardAll(Heard):
    """Keeps what is told of potentiostats and cells on their way as well."""

    def __init__(self) -> None:
        super().__init__()
        self.handed: dict[str, HandoverStatus] = {}
        self.stages: list[tuple[str, Stage]] = []
        self.spectra: list[SpectrumEntry] = []
        self.stats: dict[str, PotentiostatStatus] = {}
        self.on_status: Callable[[PotentiostatStatus], None] = lambda status: None

    def handover(self, status: HandoverStatus | None, run_id: str) -> None:
        """Keep it."""
        if status is None:
            self.handed.pop(run_id, None)
        else:
            self.handed[run_id] = status
            if self.stages[-1:] != [(run_id, status.stage)]:
                self.stages.append((run_id, status.stage))
        self._wake()

    def potentiostat(self, status: PotentiostatStatus) -> None:
        """Keep it."""
        self.stats[status.name] = status
        self.on_status(status)
        self._wake()

    def spectrum(self, entry: SpectrumEntry) -> None:
        """Keep it."""
        self.spectra.append(entry)
        self._wake()


class HandoverBench(SupervisedBench):
    """One cell (or more) on a cycler, one potentiostat, and a person or a multiplexer between them."""

    heard: HeardAll

    def __init__(
        self,
        folder: Path,
        *,
        multiplexer: bool = False,
        cells: int = 1,
        variant: str = "LIQ-P",
        instrument: tuple[Mapping[str, object], str, Mapping[str, object]] = EMSTAT,
    ) -> None:
        spec = small_bench(*({"variant": variant} for _ in range(cells)))
        entry, driver, options = instrument
        spec["potentiostats"] = [{"name": "pstat", "profile": "ideal", **entry}]
        places = {ChannelId(f"neware:1-{number}"): number for number in range(1, cells + 1)}
        if multiplexer:
            spec["multiplexers"] = [
                {"name": "box", "potentiostat": "pstat",
                 "places": [{"place": number, "slot": channel, "cell": f"C10{number}"}
                            for channel, number in places.items()]}
            ]  # fmt: skip
            for cell in spec["cells"]:
                del cell["slot"]
        super().__init__(spec, folder, poll_s=30.0)
        self.multiplexer = multiplexer
        pstat = PotentiostatEntry("pstat", driver, "mem://pstat", driver_options=options)
        box = SwitchEntry("box", "multiplexer", "mem://box", potentiostat="pstat", places=places,
                          driver_options={"places": cells})  # fmt: skip
        self.station = replace(self.station, potentiostats=(pstat,), switches=(box,) if multiplexer else ())
        self._when: list[When] = []
        self.make_heard = self._listener
        self.dead = False
        """The process has been killed: nothing of its cleanup reaches an instrument."""
        self.deaf = False
        """The person does not react to what is asked."""
        self.before_moving: Callable[[HandoverStatus], bool] = lambda status: True
        """Asked before leads are moved; False: the person confirms without having moved them."""

    # -- lives ------------------------------------------------------------------------------------------------------

    def check_cable(self, instrument: str) -> None:
        """Raise ConnectionError where the cable is out, or the process that speaks is dead."""
        if self.dead:
            raise ConnectionError("the process is dead")
        super().check_cable(instrument)

    def killed(self, wish: Job, point: str, passage: int = 1) -> RunId:
        """Let a process that runs a job die at a named point, as a power cut would; return the run.

        Its disk is left as it was then, and the bench hears nothing of it any more.
        """
        self._dies(self.one(wish), point, passage)
        (folder,) = self.root().run_folders()
        return RunId(folder.name)

    def killed_again(self, run_id: RunId, point: str) -> None:
        """Let a process that goes on with a run die at a named point."""
        self._dies(self._going_on(run_id), point, 1)

    def _dies(self, story: Story, point: str, passage: int) -> None:
        disk, left = self.disk, passage
        assert isinstance(disk, SimulatedDisk)

        def on_point(name: str) -> None:
            nonlocal left
            left -= name == point
            if name == point and left == 0:
                self.dead, self.disk = True, disk.crash()
                raise Killed(name)

        hooks.on_point = on_point
        try:
            self.supervise(story)
        except BaseExceptionGroup as error:
            if error.subgroup(Killed) is None:
                raise
        except Killed:
            pass
        finally:
            hooks.on_point = None
        assert self.dead, f"{point} was never passed"
        self.dead = False

    def taken_up(self, run_id: RunId) -> RunResult:
        """Let a new process go on with a run to its end; a person does what is asked."""
        return self.supervise(self._going_on(run_id))

    def _going_on(self, run_id: RunId) -> Story:
        async def story(engine: Supervisor) -> RunResult:
            assert await engine.take_up([run_id]) == ()
            (result,) = await self.attended(engine, run_id)
            return result

        return story

    def one(self, wish: Job) -> Story:
        """Return the story of one run to its end, with a person who does what is asked."""

        async def story(engine: Supervisor) -> RunResult:
            run_id = await engine.start(wish)
            (result,) = await self.attended(engine, run_id)
            return result

        return story

    async def attended(self, engine: Supervisor, *run_ids: RunId) -> tuple[RunResult, ...]:
        """Wait until runs are over; a person moves leads meanwhile."""
        async with asyncio.TaskGroup() as group:
            person = group.create_task(self.person(engine))
            results = await self.over(*run_ids)
            person.cancel()
        return results

    async def person(self, engine: Supervisor) -> None:
        """Move leads as asked, and confirm; does so until cancelled."""
        while True:
            await self.heard.until(lambda: not self.deaf and any(one.asked for one in engine.handovers()))
            await self.clock.plant.sleep(20.0)
            for status in engine.handovers():
                if status.asked and not self.deaf:
                    self.move(status)
                    await engine.confirm_handover(status.run_id, "ann")

    async def asks(self, run_id: RunId, stage: Stage) -> None:
        """Wait until a person is asked about a run's cell in a stage."""

        def is_asked() -> bool:
            assert run_id not in self.heard.results, self.heard.results[run_id]
            status = self.heard.handed.get(run_id)
            return status is not None and status.asked and status.stage is stage

        await self.heard.until(is_asked)

    async def measures(self, points: int) -> None:
        """Wait until so many points of a spectrum have come."""

        def has_measured() -> bool:
            assert not self.heard.results, self.heard.results
            status = self.heard.stats.get("pstat")
            return status is not None and status.points_got >= points

        await self.heard.until(has_measured)

    def move(self, status: HandoverStatus) -> None:
        """Carry the cell where the engine wants it, in the hands of a person."""
        if self.multiplexer or not self.before_moving(status):
            return
        there = status.stage is Stage.TO_POTENTIOSTAT
        cell = f"C10{str(status.channel)[-1]}"
        self.admin("cell.place", cell=cell, to=status.potentiostat if there else str(status.channel))

    def _listener(self) -> HeardAll:
        heard = HeardAll()
        heard.on_status = self.told
        return heard

    def when_measuring(self, points: int, act: Callable[[], object]) -> When:
        """Do something once so many points of a spectrum have come; further acts wait for further spectra."""
        self._when.append(When(points, act))
        return self._when[-1]

    def told(self, status: PotentiostatStatus) -> None:
        """Hear how the potentiostat stands; called by who listens."""
        if self._when and not self._when[0].done and status.points_got >= self._when[0].points:
            when = self._when.pop(0)
            when.done = True
            when.act()

    # -- the truth --------------------------------------------------------------------------------------------------

    def violations(self) -> list[str]:
        """Return what the bench has seen that must never happen."""
        return [f"{entry['kind']}: {entry['detail']}" for entry in self.admin("violations")["violations"]]

    def pstat(self) -> dict[str, Any]:
        """Return what the potentiostat really does."""
        return self.admin("truth", slot="pstat")

    def energised(self) -> int:
        """Count how often the potentiostat has switched its cell on."""
        return sum(entry["what"] == "cell_on" for entry in self.pstat()["switched"])

    def cell_is_at(self, cell: str = "C101") -> str | None:
        """Return where a cell hangs."""
        return next((one.get("slot") for one in self.bench.registry() if one.get("cell_id") == cell), None)

    def spectra(self, run_id: str) -> list[StoredOne]:
        """Return the spectra of a run as they are stored."""
        folder = self.root().run_folder(run_id)
        found = []
        for spectrum_id, path in spectra_of(self.disk, folder, run_id):
            spectrum = stored_of(self.disk.read(path), path, spectrum_id).spectrum
            facts = facts_of(spectrum.head)
            if facts is None:
                raise UserInputError(f"{spectrum_id} says of no run that it belongs there")
            found.append(StoredOne(spectrum_id, spectrum, facts.part, facts.outcome))
        return found

    def journal(self, run_id: str) -> list[str]:
        """Return the kinds of the journal's lines that tell of spectra, in order."""
        return [
            str(line["kind"])
            for line in self.folder_of(RunId(run_id)).journal()
            if "eis" in str(line["kind"])
        ]


def wish(times: int = 1, kind: CellKind = CellKind.SYMMETRIC) -> Job:
    """Return the job of ``cycle_with_spectrum``; only a symmetric cell is known to rest at 0 V."""
    made = job(cycle_with_spectrum(times, current_A=0.2e-3 if kind is CellKind.SYMMETRIC else 20e-6))
    return (
        made if kind is CellKind.SYMMETRIC else replace(made, cell=replace(made.cell, kind=kind, ocv_V=None))
    )
