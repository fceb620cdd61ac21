"""``labctl eis run``: the whole command on a simulated potentiostat in jump time, and its wrong wishes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

import labctl.clock
import labctl.transport
from labctl.analysis.eisfiles.formats import read_file
from labctl.cli.app import main
from labctl.cli.eisboard import SweepBoard
from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.engine.lease import ENVIRONMENT, Lease
from labctl.interfaces.potentiostat import Measurement
from labctl.model.spectrum import Spectrum
from labctl.store.root import DataRoot
from labctl.store.spectra import SpectraStore
from labctl.testing.benchrun import open_virtual_bench, small_bench
from labctl.testing.commandline import Call, captured
from labctl.testing.tappedpipe import TappedPipe
from labctl.transport.base import Transport
from labctl.transport.memory import MemoryTransport

PICO = {"name": "pico", "kind": "methodscript", "model": "espico", "dummy": "D1", "profile": "ideal"}
NEXUS = {**PICO, "name": "nexus", "model": "nexus1"}
WHERE = ("--driver", "methodscript", "--resource", "mem://pico")
SWEEP = ("--from", "100 kHz", "--to", "1 Hz", "--points-per-decade", "6", "--settle", "1 s")


class Desk:
    """The command line beside a simulated potentiostat."""

    def __init__(self, patch: pytest.MonkeyPatch, data: Path) -> None:
        self.virtual = open_virtual_bench({**small_bench(), "potentiostats": [PICO, NEXUS]})
        self.data = data
        self.links = 0
        patch.setattr(labctl.transport, "open_transport", self._open)
        patch.setattr(labctl.clock, "run_with_clock", self._jump)

    def _open(self, resource: str, clock: Clock) -> Transport:
        self.links += 1
        name = resource.removeprefix("mem://").partition("?")[0]
        self.pipe = TappedPipe(MemoryTransport(lambda: self.virtual.connect(name), clock, name), clock)
        return self.pipe

    def _jump(self, spec: ClockSpec, told: Callable[[Clock], Coroutine[Any, Any, Any]]) -> Any:
        return run_with_clock(ClockSpec(mode=ClockMode.JUMP), told, bench=self.virtual)

    def run(self, *words: object) -> Call:
        return captured(main, "eis", "run", *WHERE, *map(str, words), "--data", str(self.data))

    def admin(self, do: str, **fields: Any) -> dict[str, Any]:
        return dict(self.virtual.admin({"do": do, **fields}))

    def energised(self) -> bool:
        return any(act["what"] == "cell_on" for act in self.admin("truth", slot="pico")["switched"])


@pytest.fixture(scope="module")
def root_with_a_cell(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root") / "data"
    words = ("cells", "add", "C1", "--kind", "symmetric", "--diameter-mm", "10", "--data", str(folder))
    assert captured(main, *words).code == 0
    return folder


@pytest.fixture
def desk(root_with_a_cell: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "leases"))
    return Desk(monkeypatch, Path(shutil.copytree(root_with_a_cell, tmp_path / "data")))


def test_a_spectrum_is_stored_with_its_cell_its_settings_and_its_raw_frames(desk: Desk) -> None:
    call = desk.run(*SWEEP, "--cell", "C1", "--cycle", "20", "--json")
    assert call.code == 0, call.err
    told = call.json
    assert (told["points"], told["complete"], told["cell"], told["error"]) == (31, True, "off", None)
    assert told["kk"]["passed"] and told["fit"]["outcome"] == "fitted"
    (entry,) = SpectraStore(DataRoot(desk.data)).list("C1")
    head = entry.spectrum.head
    assert (entry.spectrum_id, head.cell_id, head.cycle) == (told["kept"]["id"], "C1", 20)
    assert head.area_cm2 == pytest.approx(0.7854, abs=1e-4)
    assert head.instrument.startswith("PalmSens ESPICO") and head.model == "EmStat Pico"
    assert any("10 mV rms at 0 V against the open circuit" in note for note in head.notes)
    frames = [
        json.loads(line) for line in Path(told["kept"]["wire"]).read_text(encoding="utf-8").splitlines()
    ]
    assert frames[0]["event"] == "begin" and frames[0]["resource"] == "mem://pico"
    assert frames[1]["event"] == "open" and frames[-1]["event"] == "close"
    assert captured(main, "store", "verify", "--data", str(desk.data)).code == 0


def test_people_are_told_plan_points_verdict_and_files(desk: Desk, tmp_path: Path) -> None:
    call = desk.run(*SWEEP, "--out", tmp_path / "d1.csv")
    assert call.code == 0, call.err
    assert call.out.startswith("31 points: 100 kHz to 1 Hz, 6 per decade, 10 mV rms at 0 V")
    for words in ("31/31  1 Hz  |Z| 109.8 ohm", "The cell is off.", "Lin-KK passed", "R_b"):
        assert words in call.out
    assert len(read_file(tmp_path / "d1.csv")[0].spectra[0]) == 31
    assert (tmp_path / "d1.wire.jsonl").is_file()


def test_an_amplitude_in_amperes_takes_the_spectrum_galvanostatically(desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "geis.parquet"
    current = ("--amplitude", "10 uA", "--bias", "2 uA", "--circuit", "R-(RC)")
    call = desk.run(*SWEEP, *current, "--driver", "methodscript", "--resource", "mem://nexus", "--out", out)
    assert call.code == 0, call.err
    assert "10 uA rms around a direct current of 2 uA" in call.out
    assert "GEIS: R1-(R2,C1)" in call.out
    head = read_file(out)[0].spectra[0].head
    assert any("10 uA rms around a direct current of 2 uA" in note for note in head.notes)


def test_an_instrument_without_a_galvanostat_says_so_before_anything_is_switched_on(desk: Desk) -> None:
    call = desk.run(*SWEEP, "--amplitude", "10 uA", "--dry-run")
    assert call.code == 1 and "it has no galvanostat" in call.out


def test_every_refusal_is_a_line_and_nothing_is_switched_on_or_written(desk: Desk, tmp_path: Path) -> None:
    out = tmp_path / "a.parquet"
    call = desk.run("--from", "2 MHz", "--to", "10 Hz", "--amplitude", "2 V", "--out", out)
    assert call.code == 1
    assert len([line for line in call.out.splitlines() if line.startswith("refused: ")]) == 2
    assert not desk.energised() and not out.exists()


def test_a_dry_run_asks_the_instrument_and_never_switches_the_cell_on(desk: Desk) -> None:
    call = desk.run(*SWEEP, "--dry-run")
    assert call.code == 0, call.err
    assert "The cell was not switched on. It can be measured so." in call.out
    assert desk.run("--from", "2 MHz", "--to", "10 Hz", "--dry-run").code == 1
    assert not desk.energised()


def test_an_instrument_that_gives_up_leaves_an_incomplete_spectrum_and_exit_code_1(
    desk: Desk, tmp_path: Path
) -> None:
    desk.admin("fault", instrument="pico", kind="drop", after=45)
    call = desk.run(*SWEEP, "--out", tmp_path / "a.parquet", "--json")
    assert call.code == 1
    assert call.json["error"] and not call.json["complete"] and call.json["fit"] is None
    head = read_file(tmp_path / "a.parquet")[0].spectra[0].head
    assert head.name == "PEIS, incomplete"
    assert any(note.startswith("incomplete: ") for note in head.notes)


def test_a_cell_that_nobody_knows_to_be_off_is_told_large_and_the_points_are_kept(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(board: SweepBoard, measurement: Measurement, block: Spectrum) -> None:
        desk.pipe.hung = True

    monkeypatch.setattr(SweepBoard, "show", hang)
    call = desk.run("--from", "1 Hz", "--to", "100 mHz", "--points-per-decade", "5", "--cell", "C1")
    assert call.code == 1
    assert "NOBODY KNOWS WHETHER THE CELL IS OFF" in call.err and "unplug the cell" in call.err
    assert "FAILED after" in call.out and "The cell is off" not in call.out
    (entry,) = SpectraStore(DataRoot(desk.data)).list("C1")
    assert 1 <= len(entry.spectrum) < 6


def test_one_instrument_has_one_process_whatever_its_settings(desk: Desk) -> None:
    lease = Lease("mem://pico", holder="another bench")
    try:
        call = captured(
            main,
            "eis",
            "run",
            *WHERE[:3],
            "mem://pico?baud=1",
            *SWEEP,
            "--cell",
            "C1",
            "--data",
            str(desk.data),
        )
    finally:
        lease.release()
    assert call.code == 1 and "in use by another bench" in call.err
    assert desk.links == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--from", "100", "--to", "1 Hz", "--cell", "C1"), "--from: '100' is not a number with a unit"),
        (("--from", "10 mV", "--to", "1 Hz", "--cell", "C1"), "such as '200 kHz'"),
        (("--from", "0 Hz", "--to", "1 Hz", "--cell", "C1"), "cannot reach 0.0 Hz"),
        ((*SWEEP,), "say where the spectrum goes"),
        ((*SWEEP, "--cell", "C9"), "C9"),
        ((*SWEEP, "--cycle", "3", "--out", "a.csv"), "--cycle goes with --cell"),
        ((*SWEEP, "--at", "3 V", "--cell", "C1"), "--at and --vs go together"),
        ((*SWEEP, "--at", "3 V", "--vs", "ref", "--amplitude", "1 uA", "--cell", "C1"), "set --bias"),
        ((*SWEEP, "--bias", "1 uA", "--cell", "C1"), "--bias goes with an amplitude in amperes"),
        ((*SWEEP, "--amplitude", "10 Ah", "--cell", "C1"), "such as '10 mV' or '10 uA'"),
        ((*SWEEP, "--circuit", "R-(R", "--cell", "C1"), "cannot be read at character"),
        ((*SWEEP, "--cell", "C1", "--option", "eis_max_Hz=nan"), "must be a number above 0, not 'nan'"),
        ((*SWEEP, "--out", "a.docx"), "does not say its format"),
        ((*SWEEP, "--out", "nowhere/a.csv"), "there is no folder nowhere"),
        ((*SWEEP, "--cell", "C1", "--option", "eis_mon_Hz=1"), "unknown option"),
        ((*SWEEP, "--cell", "C1", "--driver", "nobody"), "There is no driver 'nobody'"),
        ((*SWEEP, "--cell", "C1", "--driver", "modbus-chamber"), "modbus-chamber"),
    ],
)
def test_a_wrong_wish_is_told_before_a_link_is_opened(desk: Desk, words: tuple[str, ...], told: str) -> None:
    call = desk.run(*words)
    assert call.code in (1, 2) and told in call.err
    assert not desk.energised()


def test_a_file_that_is_there_is_not_overwritten(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "a.wire.jsonl").write_text("kept", encoding="utf-8")
    call = desk.run(*SWEEP, "--out", tmp_path / "a.csv")
    assert call.code == 2 and "is not overwritten" in call.err
    assert desk.links == 0
