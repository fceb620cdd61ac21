"""Acts on many channels: one news for the button, and never on another run than the one that was asked about."""

from __future__ import annotations

from dataclasses import replace

from labctl.gui.viewmodels.acts import Acts, ActState
from labctl.gui.viewmodels.channelacts import ChannelActs, Deed
from labctl.gui.viewmodels.lab import Lab
from labctl.model.bench import ChannelStatus
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.testing.guilab import FakeAsks, TurnedClock, a_lab, tell


def running(channel: str, run_id: str) -> ChannelStatus:
    return ChannelStatus(ChannelId(channel), "running", run_id=RunId(run_id), cell_id=CellId("C1"))


def acts_of(lab: Lab) -> tuple[ChannelActs, FakeAsks]:
    asks = FakeAsks()
    return ChannelActs(lab, Acts(asks, TurnedClock())), asks


def test_a_stop_of_many_cells_is_no_flood_of_news_for_its_button() -> None:
    lab = a_lab()
    names = [f"neware:1-{number}" for number in range(1, 257)]
    tell(lab, *(running(name, f"run-{name}") for name in names))
    acts, asks = acts_of(lab)
    buttons: list[Deed] = []
    tiles: list[str] = []
    acts.watch(lambda deed, channel: (tiles.append(channel), buttons.append(deed) if deed else None))  # type: ignore[func-returns-value,arg-type,return-value]  # both lists are filled
    assert acts.do(Deed.STOP, names, "by hand") == ""
    assert len(buttons) == 1 and len(tiles) == 256
    for question in asks.of("runs.stop"):
        question.then("stopped, read back")
    standing = acts.standing(Deed.STOP)
    assert len(buttons) == 2 and len(tiles) == 512
    assert standing is not None and standing.state is ActState.CONFIRMED


def test_r2_a_stop_that_was_confirmed_for_one_run_is_not_sent_to_the_next_one() -> None:
    lab = a_lab()
    tell(lab, running("neware:1-1", "run-a"))
    acts, asks = acts_of(lab)
    assert acts.question(Deed.STOP, ["neware:1-1"]) is not None
    tell(lab, running("neware:1-1", "run-b"))
    assert "another run" in acts.do(Deed.STOP, ["neware:1-1"], "by hand")
    assert asks.asked == []
    assert acts.question(Deed.STOP, ["neware:1-1"]) is not None
    tell(lab, replace(running("neware:1-1", "run-b"), voltage_V=3.4))
    assert acts.do(Deed.STOP, ["neware:1-1"], "by hand") == ""
    assert asks.of("runs.stop")[0].args == ("run-b",)
