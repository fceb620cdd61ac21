"""The VDK driver and the simulated bridge, each written apart from the other, over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labctl_drivers.versastat_vdk import create

from labctl.clock import Clock, ClockMode, ClockSpec
from labctl.testing.potentiostatconformance import CASES, check_potentiostat
from labctl.testing.potentiostatrig import PotentiostatSetup
from labctl.testing.sim import RunningBench, running_bench
from labctl.testing.tappedpipe import TappedPipe
from labctl.transport import open_transport

TOKEN = "over-tcp-over-tcp"
BENCH = f"""
labctl: bench/1
instruments:
  - {{name: neware, units: [{{unit: 1, model: 5V10mA}}]}}
potentiostats:
  - {{name: vdk, kind: versastat, model: parstat4000a, dummy: D1, profile: ideal, token: {TOKEN}}}
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBench]:
    path: Path = tmp_path_factory.mktemp("bench") / "bench.yaml"
    path.write_text(BENCH, encoding="utf-8")
    with running_bench("--mode", "lockstep", "--bench", str(path)) as running:
        yield running


class SocketRig:
    """The driver on real connections; the admin link is the eyes from outside."""

    def __init__(self, bench: RunningBench, token_file: Path, clock: Clock) -> None:
        self._bench = bench
        self._clock = clock
        self._pipes: list[TappedPipe] = []
        resource = f"http://127.0.0.1:{bench.instrument('vdk')['port']}"
        self.potentiostat = create(
            "vdk", resource, {"token_file": str(token_file), "reply_timeout_s": 1.0}, clock, self._connect
        )
        self._before = self._energisings()

    def _connect(self, resource: str) -> TappedPipe:
        self._pipes.append(TappedPipe(open_transport(resource, self._clock), self._clock))
        return self._pipes[-1]

    def _truth(self) -> dict[str, Any]:
        return self._bench.admin("truth", slot="vdk")

    def _energisings(self) -> int:
        return sum(act["what"] == "cell_on" for act in self._truth()["switched"])

    def cell_on(self) -> bool:
        return bool(self._truth()["cell_on"])

    def energisings(self) -> int:
        return self._energisings() - self._before

    def sent(self) -> int:
        return sum(pipe.sent for pipe in self._pipes)

    def cut(self) -> None:
        for pipe in self._pipes:
            pipe.cut()

    def hang(self, hung: bool) -> None:
        for pipe in self._pipes:
            pipe.hung = hung


@pytest.mark.slow
def test_the_suite_is_kept_over_tcp(bench: RunningBench, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN)
    clock = ClockSpec(mode=ClockMode.LOCKSTEP, admin=bench.first["admin"])
    report = check_potentiostat(
        lambda: PotentiostatSetup(lambda on: SocketRig(bench, tmp_path / "token", on), clock=clock)
    )
    assert not report.problems, report
    assert len(report.kept) == len(CASES)
