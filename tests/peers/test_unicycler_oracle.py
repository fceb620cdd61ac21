"""aurora-unicycler itself reads what we write and says the same in PyBaMM's words as we do."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from labctl.model.cell import Cell, CellKind
from labctl.model.ids import CellId
from labctl.model.protocol import Drive, Hold, ProtocolNode, Repeat, Rest
from labctl.protocol.convert import pybamm, unicycler
from labctl.protocol.library import find_protocol
from labctl.protocol.parse import load_protocol
from labctl.protocol.quantities import base_value
from labctl.testing.peerenv import peer_python

HERE = Path(__file__).parent
CELLS = {
    CellKind.SYMMETRIC: Cell(CellId("C1"), "LIQ-P", CellKind.SYMMETRIC, diameter_mm=10.0),
    CellKind.LTO_LI: Cell(
        CellId("C2"), "LTO-P", CellKind.LTO_LI, active_mass_mg=1.1781, one_c_mA_per_g=175.0
    ),
    CellKind.LFP_LI: Cell(CellId("C3"), "LFP-P", CellKind.LFP_LI, active_mass_mg=0.924, one_c_mA_per_g=170.0),
}


def expanded(steps: tuple[ProtocolNode, ...]) -> list[tuple[str, float, float, float]]:
    """Return every executed step as word, set value, voltage and time ends (0 where there is none)."""
    found: list[tuple[str, float, float, float]] = []
    for node in steps:
        if isinstance(node, Repeat):
            found.extend(expanded(node.bodies[0]) * node.count)
        elif isinstance(node, Rest):
            found.append(("rest", 0.0, 0.0, base_value(node.time)))
        elif isinstance(node, Drive | Hold):
            value = node.current if isinstance(node, Drive) else node.voltage
            word = node.direction.value if isinstance(node, Drive) else "hold"
            ends = (0.0 if end is None else base_value(end) for end in (node.until.voltage, node.until.time))
            found.append((word, base_value(value), *ends))
    return found


@pytest.mark.peers
@pytest.mark.parametrize("name", ["p1", "p2", "p3", "p4", "p5", "formation", "rate-test", "gitt"])
def test_the_package_reads_our_json_and_agrees_on_every_executed_step(name: str) -> None:
    protocol = load_protocol(find_protocol(name))
    data, _ = unicycler.export(protocol, CELLS[protocol.for_kinds[0]])
    python = peer_python(HERE / "requirements-unicycler.txt")
    script = [str(python), str(HERE / "unicycler_session.py")]
    done = subprocess.run(script, input=data, capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()
    theirs: dict[str, Any] = json.loads(done.stdout)
    ours, _ = unicycler.read(data)
    again, _ = unicycler.read(json.dumps(theirs["document"]).encode())
    assert again == ours
    read, _ = pybamm.read(json.dumps(theirs["strings"]).encode())
    assert len(expanded(read.steps)) == len(expanded(ours.steps))
    for one, two in zip(expanded(read.steps), expanded(ours.steps), strict=True):
        assert one[0] == two[0]
        assert one[1:] == pytest.approx(two[1:], rel=1e-6)
