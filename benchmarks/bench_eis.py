"""Measure how fast spectra are judged and fitted, with impedance.py's circuit fit as the peer in the same run.

    python benchmarks/bench_eis.py [--peer-python PATH | --no-peer] [--repeats 5] [--json]
    python benchmarks/bench_eis.py --accuracy

Spectra are those of the eight reference cells, fresh and at three ages each: 71 points from 1 MHz to 0.1 Hz with 0.2 %
noise. The batch is 100 spectra of one ageing cell, each fit beginning at the one before. labctl reads its start off the
spectrum; the peer cannot, and is given the fresh cell's true values (in the batch its own last ones), its own defaults
and modulus weights. Its environment is made on first use from ``tests/peers/requirements-impedance-readers.txt``. Its
Lin-KK does not run under numpy 2, so that row has no peer. The work is done in one thread, so on a machine
without other work the wall and the CPU tell the same time; goals are judged by the CPU's, of the slowest spectrum.
Exit 1 when one is missed.

``--accuracy`` prints the largest error of the default fit by cell and age instead, over four seeds of 0.1 and of 0.3 %
noise each: the table of docs/eis.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from labctl_simulators.world.cell import Cell, CellSpec

from labctl.analysis.eis.cell import analyse, circuit_for
from labctl.analysis.eis.drt import drt
from labctl.analysis.eis.fit import fit
from labctl.analysis.eis.history import analyse_all
from labctl.analysis.eis.kk import lin_kk
from labctl.model.spectrum import Spectrum, SpectrumHead
from labctl.testing.peerenv import peer_python

FREQUENCY_Hz = np.geomspace(1e6, 0.1, 71)
NOISE = 0.002
AGES_mAh_cm2 = {
    "LIQ-P": (0, 40, 100, 150, 159), "LIQ-Z": (0, 40, 150, 650), "PEO-P": (0, 2, 8, 14), "PEO-Z": (0, 4, 40, 100),
    "LTO-P": (0, 16, 80, 150), "LTO-Z": (0, 4, 40, 200), "LFP-P": (0, 4, 15, 50), "LFP-Z": (0, 4, 20, 100),
}  # fmt: skip
BATCH_CELL, BATCH_COUNT, BATCH_END_mAh_cm2 = "LIQ-P", 100, 150.0
FIT_GOAL_ms, KK_GOAL_ms, BATCH_GOAL_s = 50.0, 20.0, 3.0
PEER_REQUIREMENTS = Path(__file__).parents[1] / "tests" / "peers" / "requirements-impedance-readers.txt"

PEER_SCRIPT = """
import json, sys, time, warnings
import numpy as np
from importlib.metadata import version
from impedance.models.circuits import CustomCircuit
warnings.simplefilter("ignore")
work = json.load(sys.stdin)
f = np.array(work["frequency_Hz"])
TEXT = {9: "L0-R0-p(R1,CPE1)-p(R2,CPE2)-W1", 10: "L0-R0-p(R1,CPE1)-p(R2,CPE2)-W1-C1"}
def fitted(one, start):
    z = np.array(one["re"]) + 1j * np.array(one["im"])
    began = time.perf_counter(), time.process_time()
    circuit = CustomCircuit(TEXT[len(start)], initial_guess=start)
    circuit.fit(f, z, weight_by_modulus=True)
    return circuit.parameters_, time.perf_counter() - began[0], time.process_time() - began[1]
fitted(work["single"][0], work["single"][0]["start"])
single = [fitted(one, one["start"])[1:] for one in work["single"]]
start, batch = work["batch"][0]["start"], [0.0, 0.0]
for one in work["batch"]:
    start, wall, cpu = fitted(one, list(start))
    batch = [batch[0] + wall, batch[1] + cpu]
print(json.dumps({"version": version("impedance"), "single": single, "batch": batch}))
"""


@dataclass(frozen=True)
class Row:
    """One row: times of labctl and of the peer, and the goal for the slowest spectrum's CPU time; NaN where none."""

    what: str
    unit: str
    wall: float
    cpu: float
    slowest: float
    peer_wall: float
    peer_cpu: float
    goal: float

    @property
    def met(self) -> bool:
        return not self.slowest > self.goal


def spectrum(name: str, throughput_mAh_cm2: float, seed: int, noise: float = NOISE) -> Spectrum:
    """Return a reference cell's spectrum at an age."""
    cell = Cell(CellSpec(name, name, x=0.5))
    cell.state = replace(cell.state, throughput_mAh_cm2=throughput_mAh_cm2)
    z_ohm = cell.impedance(FREQUENCY_Hz)
    off = 1.0 + noise * np.random.default_rng(seed).standard_normal((2, len(z_ohm)))
    head = SpectrumHead(cell_id=name, area_cm2=cell.area_cm2, ocv_before_V=cell.ocv_V)
    return Spectrum.of(FREQUENCY_Hz, z_ohm.real * off[0] + 1j * z_ohm.imag * off[1], head)


def truth_ohm(name: str, throughput_mAh_cm2: float) -> tuple[float, float, float]:
    """Return R_b, R_SEI and R_ct behind a reference cell's spectrum."""
    cell = Cell(CellSpec(name, name))
    variant = cell.variant
    growth = variant.growth(throughput_mAh_cm2)
    fade = variant.positive.fade(throughput_mAh_cm2) ** -variant.positive.resistance_power
    interface = fade / cell.area_cm2 if cell.circuit.full else 1.0 / cell.area_cm2
    return (
        variant.bulk_ohm_cm2 / cell.area_cm2,
        variant.sei.resistance_ohm_cm2 * growth[0] * interface,
        variant.ct.resistance_ohm_cm2 * growth[1] * interface,
    )


def largest_errors(name: str, throughput_mAh_cm2: float) -> list[float]:
    """Return the largest errors, with their signs, of R_b, R_SEI + R_ct, R_SEI and R_ct."""
    bulk_ohm, sei_ohm, ct_ohm = truth_ohm(name, throughput_mAh_cm2)
    wanted = np.array([bulk_ohm, sei_ohm + ct_ohm, sei_ohm, ct_ohm])
    errors = []
    for noise in (0.001, 0.003):
        for seed in range(4):
            found = analyse(spectrum(name, throughput_mAh_cm2, seed, noise))
            named = (found.bulk, found.interfaces, found.sei, found.ct)
            errors.append(np.array([one.value if one else np.nan for one in named]) / wanted - 1.0)
    table = np.array(errors)
    return [float(one) for one in table[np.abs(table).argmax(axis=0), range(4)]]


def print_accuracy() -> None:
    """Print the largest errors by cell and age."""
    print(f"{'cell':6}{'mAh/cm2':>8}{'R_b':>9}{'sum':>9}{'R_SEI':>9}{'R_ct':>9}   largest error, default fit")
    for name, ages in AGES_mAh_cm2.items():
        for age in ages:
            told = "".join(f"{100.0 * error:+8.1f}%" for error in largest_errors(name, age))
            print(f"{name:6}{age:8}{told}")


def start_for(name: str) -> list[float]:
    """Return the fresh cell's true values in the order of the peer's circuit."""
    variant, area_cm2 = Cell(CellSpec(name, name)).variant, Cell(CellSpec(name, name)).area_cm2
    start = [variant.inductance_H, variant.bulk_ohm_cm2 / area_cm2]
    for element in (variant.sei, variant.ct):
        R_ohm = element.resistance_ohm_cm2 / area_cm2
        start += [R_ohm, element.tau_s**element.n / R_ohm, element.n]
    start.append(variant.warburg.resistance_ohm_cm2 / area_cm2 / (2.0 * variant.warburg.tau_s) ** 0.5)
    return [*start, 1.0] if name.startswith(("LTO", "LFP")) else start


def times(work: Sequence[Callable[[], Any]], repeats: int) -> tuple[float, float, float]:
    """Return the median wall, the median CPU and the largest CPU time in ms, best of ``repeats`` for each work."""
    wall_ms, cpu_ms = [], []
    work[0]()
    for one in work:
        best = (float("inf"), float("inf"))
        for _ in range(repeats):
            began = time.perf_counter(), time.process_time()
            one()
            spent = time.perf_counter() - began[0], time.process_time() - began[1]
            best = (min(best[0], 1e3 * spent[0]), min(best[1], 1e3 * spent[1]))
        wall_ms.append(best[0])
        cpu_ms.append(best[1])
    return statistics.median(wall_ms), statistics.median(cpu_ms), max(cpu_ms)


def measure_peer(python: Path | None, single: list[Spectrum], batch: list[Spectrum]) -> dict[str, Any] | None:
    """Return what the peer took for the same spectra; None with a word why where it did not run."""
    if python is None:
        return None

    def plain(one: Spectrum) -> dict[str, Any]:
        z_ohm = one.z_ohm
        return {"re": z_ohm.real.tolist(), "im": z_ohm.imag.tolist(), "start": start_for(one.head.cell_id)}

    work = {
        "frequency_Hz": FREQUENCY_Hz.tolist(),
        "single": [plain(one) for one in single],
        "batch": [plain(one) for one in batch],
    }
    done = subprocess.run(
        [str(python), "-c", PEER_SCRIPT],
        input=json.dumps(work), capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        print(
            f"the peer was not measured: {(done.stderr.strip().splitlines() or ['no word'])[-1]}",
            file=sys.stderr,
        )
        return None
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measure(repeats: int, python: Path | None) -> list[Row]:
    """Measure all rows."""
    single = [spectrum(name, age, 1) for name, ages in AGES_mAh_cm2.items() for age in ages]
    ages = np.linspace(0.0, BATCH_END_mAh_cm2, BATCH_COUNT)
    batch = [spectrum(BATCH_CELL, float(age), seed) for seed, age in enumerate(ages)]
    peer = measure_peer(python, single, batch)
    nan = float("nan")
    singles = np.array(peer["single"] if peer else [[nan, nan]]) * 1e3
    batches = peer["batch"] if peer else [nan, nan]
    name = f"circuit fit (peer: impedance.py {peer['version']})" if peer else "circuit fit"

    def each(act: Callable[[Spectrum], Any]) -> tuple[float, float, float]:
        return times([lambda one=one: act(one) for one in single], repeats)

    fits = each(lambda one: fit(circuit_for(one), one.frequency_Hz, one.z_ohm))
    tests = each(lambda one: lin_kk(one.frequency_Hz, one.z_ohm))
    all_of_it = each(analyse)
    distributions = each(lambda one: drt(one.frequency_Hz, one.z_ohm))
    whole = [one / 1e3 for one in times([lambda: analyse_all(batch)], repeats)]
    return [
        Row(name, "ms", *fits, float(np.median(singles[:, 0])), float(np.median(singles[:, 1])), FIT_GOAL_ms),
        Row("Lin-KK", "ms", *tests, nan, nan, KK_GOAL_ms),
        Row("Lin-KK, findings, fit, intervals", "ms", *all_of_it, nan, nan, nan),
        Row("relaxation times, ridge by rule", "ms", *distributions, nan, nan, nan),
        Row(f"batch of {BATCH_COUNT} with Lin-KK (peer: fits alone)", "s", *whole, *batches, BATCH_GOAL_s),
    ]


def main() -> int:
    """Measure and print the rows."""
    parser = argparse.ArgumentParser(description="Speed of the impedance analysis.")
    parser.add_argument("--peer-python", type=Path, help="Python of an environment with impedance.py")
    parser.add_argument("--no-peer", action="store_true", help="measure labctl alone")
    parser.add_argument("--repeats", type=int, default=5, help="take the best of so many")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--accuracy", action="store_true", help="print how far the default fit is off instead"
    )
    given = parser.parse_args()
    if given.accuracy:
        print_accuracy()
        return 0
    python = None if given.no_peer else given.peer_python or peer_python(PEER_REQUIREMENTS)
    rows = measure(given.repeats, python)
    if given.json:
        print(json.dumps([asdict(row) | {"met": row.met} for row in rows], indent=1))
    else:
        print(f"{'':52}{'wall':>8}{'CPU':>8}{'slowest':>8}{'peer':>9}{'CPU':>9}{'ratio':>8}{'goal':>7}")
        for row in rows:
            print(
                f"{row.what:49}{row.unit:3}{row.wall:8.2f}{row.cpu:8.2f}{row.slowest:8.2f}{row.peer_wall:9.2f}"
                f"{row.peer_cpu:9.2f}{row.cpu / row.peer_cpu:8.3f}{row.goal:7.0f}  "
                f"{'met' if row.met else 'MISSED'}".replace("nan", "  -")
            )
        print(
            "wall, CPU: medians over the spectra; slowest: CPU of the slowest, judged; ratio: CPU, labctl/peer"
        )
    return 0 if all(row.met for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
