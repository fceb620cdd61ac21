"""A chamber on a pseudo terminal (temperature-chamber 2, RTU); Windows has none, so it is not collected there."""

from __future__ import annotations

import os
import select
from pathlib import Path

BENCH = """\
labctl: bench/1
instruments:
  - {name: neware, units: [{unit: 1, model: 5V10mA}]}
chambers:
  - {name: oven, link: rtu, air_degC: 60, setpoint_degC: 60, on: true, profile: ideal}
cells:
  - {cell_id: A, slot: 1-1, variant: PEO-P, chamber: oven}
"""


def test_an_rtu_chamber_answers_on_its_pty(spawn, tmp_path: Path):
    file = tmp_path / "rtu.yaml"
    file.write_text(BENCH, "utf-8")
    bench = spawn("--mode", "lockstep", "--bench", str(file))
    entry = next(item for item in bench.first["instruments"] if item["name"] == "oven")
    assert f"serial://{entry['path']}?baud=19200" in Path(bench.first["station_file"]).read_text("utf-8")
    line = os.open(entry["path"], os.O_RDWR | os.O_NOCTTY)
    try:
        # read all inputs: state on, no alarm, 60.0, 60.0
        os.write(line, bytes.fromhex("010400000006 7008"))
        reply = b""
        while len(reply) < 17 and select.select([line], [], [], 20)[0]:
            reply += os.read(line, 100)
        assert reply[:-2] == bytes.fromhex("01040c 0001 0000 42700000 42700000")
    finally:
        os.close(line)
