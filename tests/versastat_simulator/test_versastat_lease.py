"""The bridge's dead-man: the lease, two clients, a library that hangs (potentiostat.md 2.2.3, VD-6 to VD-8)."""

from __future__ import annotations

import xmlrpc.client
from collections.abc import Callable
from typing import Any

import pytest

Make = Callable[..., Any]
NO_LEASE, HELD, BUSY, LIBRARY, WRONG = 1001, 1002, 1003, -32500, -32602
HOLD = (
    "Chronoamperometry",
    "0.1,VS REF,1,1000,NONE,<,0,NONE,<,0,AUTO,AUTO,AUTO,AUTO,NO,EXTERNAL,DISABLED,0,NO,AUTO,AUTO",
)


def fault(call: Any, method: str, *parameters: Any) -> int:
    with pytest.raises(xmlrpc.client.Fault) as caught:
        call(method, *parameters)
    return int(caught.value.faultCode)


def held(versastat: Make, seconds: float = 15.0, **keys: Any) -> Any:
    """Return a bench that holds a potential on a dummy under a lease of so many seconds."""
    bench = versastat(dummy="D1", **keys)
    bench.call("Add" + HOLD[0], HOLD[1])
    bench.call("Start")
    bench.call("BridgeLease", seconds)
    bench.wait(1.0)
    assert bench.truth()["cell_on"]
    return bench


def offs(bench: Any) -> int:
    return sum(entry["what"] == "cell_off" for entry in bench.truth()["switched"])


def test_every_call_but_stop_and_cell_off_needs_a_lease(versastat: Make) -> None:
    bench = versastat(ready=False, dummy="D1")
    assert bench.call("BridgeInfo")["has_experiment"] is True
    for method, *parameters in (("FindNext", 0), ("SetCellOn",), ("GetE",), ("Start",)):
        assert fault(bench.call, method, *parameters) == NO_LEASE
    bench.call("BridgeLease", 15)
    bench.call("Connect", bench.call("FindNext", 0))
    bench.call("BridgeLease", 0)
    assert bench.call("SetCellOff") == bench.call("Stop") == ""
    assert fault(bench.call, "SetCellOn") == NO_LEASE and not bench.truth()["cell_on"]


@pytest.mark.parametrize("seconds", [-1, 0.5, 601, float("nan"), True, "15"])
def test_a_lease_has_bounds(versastat: Make, seconds: object) -> None:
    assert fault(versastat(ready=False).call, "BridgeLease", seconds) == WRONG


def test_a_lease_that_is_not_renewed_ends_measurement_and_cell_once(versastat: Make) -> None:
    bench = held(versastat)
    bench.wait(13.9)
    assert bench.truth()["cell_on"]
    bench.wait(0.2)
    truth = bench.truth()
    assert (truth["cell_on"], truth["running"], truth["lease"], truth["lapses"]) == (False, False, None, 1)
    bench.wait(1000.0)
    assert offs(bench) == 1 and bench.truth()["lapses"] == 1 and bench.violations == []
    assert fault(bench.call, "GetNumPointsAvailable") == NO_LEASE
    bench.call("BridgeLease", 15)
    assert bench.call("GetNumPointsAvailable") == 14  # what was measured is still there


def test_a_renewed_lease_lasts_from_its_renewal(versastat: Make) -> None:
    bench = held(versastat)
    for _ in range(10):
        bench.wait(13.0)
        assert bench.call("BridgeLease", 15) is True
    assert bench.truth()["cell_on"] and bench.truth()["lapses"] == 0


def test_on_a_bench_of_mode_free_the_lease_runs_by_the_links_clock(versastat: Make) -> None:
    bench, armed = versastat(dummy="D1"), []
    device = bench.bench.parts.potentiostats["ps"]
    device.plant_timers, device.later = False, lambda delay_s, act: armed.append((delay_s, act))
    bench.call("BridgeLease", 15)
    bench.call("SetCellOn")
    bench.call("BridgeLease", 20)
    bench.wait(5000.0)
    assert [delay_s for delay_s, _ in armed] == [15.0, 20.0] and bench.truth()["cell_on"]
    armed[0][1]()  # the clock of a lease that has been renewed
    assert bench.truth()["cell_on"]
    armed[1][1]()
    assert not bench.truth()["cell_on"] and bench.truth()["lapses"] == 1


def test_a_lease_that_is_given_back_leaves_no_cell_on(versastat: Make) -> None:
    bench = held(versastat)
    assert bench.call("BridgeLease", 0) is True
    assert not bench.truth()["cell_on"] and not bench.truth()["running"] and bench.truth()["lapses"] == 0


def test_a_second_client_is_refused_and_reaches_nothing(versastat: Make) -> None:
    bench = held(versastat)
    other = bench.client("b")
    for method, *parameters in (
        ("SetCellOff",),
        ("Stop",),
        ("BridgeLease", 15),
        ("BridgeLease", 0),
        ("GetE",),
    ):
        assert fault(other, method, *parameters) == HELD
    assert bench.truth()["cell_on"] and bench.truth()["running"]
    bench.wait(15.0)
    assert other("BridgeLease", 15) is True and fault(bench.call, "GetE") == HELD


def test_somebody_elses_lease_can_be_injected_and_ends(versastat: Make) -> None:
    bench = versastat(ready=False)
    bench.fault("foreign_lease")
    assert fault(bench.call, "BridgeLease", 15) == HELD
    bench.fault("foreign_lease", on=False)
    assert bench.call("BridgeLease", 15) is True
    bench.fault("lease_lapse")
    assert fault(bench.call, "GetE") == NO_LEASE


def test_stop_and_cell_off_are_served_while_start_hangs(versastat: Make) -> None:
    bench = versastat(dummy="D1")
    bench.call("Add" + HOLD[0], HOLD[1])
    bench.fault("stuck", command="Start")
    lane = bench.client()
    assert bench.call.send("Start") == b""
    bench.wait(1.0)
    assert bench.truth()["cell_on"] and bench.truth()["running"]
    assert lane("Stop") == lane("SetCellOff") == "" and not bench.truth()["cell_on"]
    assert lane("BridgeLease", 15) is True  # the lease can be renewed meanwhile


def test_other_calls_wait_behind_one_that_hangs_and_are_turned_away_after_ten_seconds(
    versastat: Make,
) -> None:
    bench = versastat(dummy="D1")
    bench.fault("stuck", command="GetModel", delay_s=12.0)
    said: dict[str, list[bytes]] = {"first": [], "second": [], "third": []}
    links = {name: bench.client() for name in said}
    for name, link in links.items():
        link.link.attach(said[name].append)
    assert links["first"].send("GetModel") == links["second"].send("GetOptions") == b""
    bench.wait(5.0)
    assert links["third"].send("GetOptions") == b""
    bench.wait(5.1)
    assert said["first"] == said["third"] == [] and str(BUSY).encode() in said["second"][0]
    bench.wait(2.0)
    assert b"PARSTAT" in said["first"][0] and b"FRA" in said["third"][0]


def test_a_library_that_throws_is_a_fault_with_its_text_and_the_next_call_works(versastat: Make) -> None:
    bench = versastat()
    bench.fault("library_error", command="GetModel", count=2)
    assert fault(bench.call, "GetModel") == fault(bench.call, "GetModel") == LIBRARY
    assert bench.call("GetModel") == "PARSTAT 4000A"


def test_without_the_usb_cable_every_call_throws_and_nobody_can_switch_the_cell_off(versastat: Make) -> None:
    bench = held(versastat)
    bench.fault("unplugged")
    assert fault(bench.call, "SetCellOff") == LIBRARY and bench.call("FindNext", 0) == 0
    bench.wait(60.0)
    assert bench.truth()["cell_on"] and bench.truth()["lapses"] == 1
    bench.wait(1000.0)
    assert bench.violations == ["energised_unowned"] or not bench.truth()["cell_on"]


def test_a_new_bridge_program_knows_no_lease_and_the_instrument_goes_on_until_it_is_stopped(
    versastat: Make,
) -> None:
    bench = held(versastat)
    bench.fault("bridge_restart")
    with pytest.raises(ConnectionError):
        bench.call("GetE")
    assert bench.truth()["cell_on"] and bench.truth()["running"]
    again = bench.client()
    assert fault(again, "SetCellOff") == LIBRARY  # the library holds no instrument yet
    again("BridgeLease", 15)
    again("Connect", again("FindNext", 0))
    assert again("Stop") == again("SetCellOff") == "" and not bench.truth()["cell_on"]


def test_a_power_cut_leaves_the_cell_off_and_the_library_without_instrument(versastat: Make) -> None:
    bench = held(versastat)
    bench.fault("power_cut")
    assert not bench.truth()["cell_on"] and not bench.truth()["running"]
    assert fault(bench.call, "UpdateStatus") == LIBRARY
    assert bench.call("Connect", bench.call("FindNext", 0)) is True


def test_a_cell_left_on_when_the_library_let_it_go_is_a_violation(versastat: Make) -> None:
    bench = versastat(dummy="D1")
    bench.call("SetDCPotential", 0.1)
    bench.call("SetCellOn")
    bench.call("Close")
    bench.call("BridgeLease", 0)
    bench.wait(59.0)
    assert bench.violations == []
    bench.wait(10.0)
    assert bench.violations == ["energised_unowned"]
