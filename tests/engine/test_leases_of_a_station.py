"""The leases of everything that one station drives: taken together, refused with the holder's name, given back."""

from __future__ import annotations

from pathlib import Path

from labctl.engine.gate import Gate
from labctl.engine.leases import Leases

PSTAT, BOX = ("pstat", "tcp://192.168.1.20:5025"), ("box", "tcp://192.168.1.21:5025")


def test_a_potentiostat_and_its_multiplexer_have_one_owner_until_that_one_leaves(tmp_path: Path) -> None:
    gate = Gate()
    with Leases(gate, "station one", tmp_path) as one, Leases(Gate(), "station two", tmp_path) as two:
        assert one.claim(PSTAT, BOX) == "" and one.claim(PSTAT, BOX) == ""
        assert gate.owns("pstat") and gate.owns("box")
        assert "in use by station one" in two.claim(BOX)
        one.close()
        assert two.claim(PSTAT, BOX) == ""
        assert "now belongs to station two" in gate.refusal("pstat") or "given back" in gate.refusal("pstat")


def test_links_inside_one_process_need_no_lease() -> None:
    gate = Gate()
    with Leases(gate, "station", None) as leases:
        assert leases.claim(("pstat", "mem://pstat")) == "" and not gate.owns("pstat")
