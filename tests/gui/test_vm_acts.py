"""Acts on hardware say how they stand and never pretend; edits undo, acts do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from labctl.gui.viewmodels.acts import Act, Acts, ActState, Trouble, TroubleKind, button_text
from labctl.gui.viewmodels.edits import Edit, EditStack
from labctl.model.bench import StopAll, StopReport
from labctl.model.ids import ChannelId


@dataclass
class Asked:
    """Keeps what was asked; the test answers."""

    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = field(default_factory=list)
    thens: list[Callable[[Any], None]] = field(default_factory=list)
    faileds: list[Callable[[Trouble], None]] = field(default_factory=list)

    def ask(self, verb: str, /, *args: Any, then: Any = None, failed: Any = None, deadline_s: float = 10.0,
            **words: Any) -> None:  # fmt: skip
        self.calls.append((verb, args, {**words, "deadline_s": deadline_s}))
        self.thens.append(then)
        self.faileds.append(failed)


class Turned:
    s = 10.0

    def __call__(self) -> float:
        return self.s


def test_r3_a_stop_is_sending_until_the_device_has_confirmed() -> None:
    asks, clock = Asked(), Turned()
    acts = Acts(asks, clock)
    seen: list[Act] = []
    acts.watch(seen.append)
    acts.send("runs.stop", "neware:1-1", "run-1", text="Stop 1-1", reason="by hand")
    assert asks.calls == [("runs.stop", ("run-1",), {"reason": "by hand", "deadline_s": 5.0})]
    assert button_text(acts.latest("neware:1-1"), "Stop") == "sending"
    clock.s += 0.6
    asks.thens[0]("stopped, confirmed by the device")
    assert [act.state for act in seen] == [ActState.SENDING, ActState.CONFIRMED]
    assert button_text(acts.latest("neware:1-1"), "Stop") == "confirmed 0.6 s"
    clock.s += 3.1
    assert acts.latest("neware:1-1") is None and button_text(None, "Stop") == "Stop"


def test_r6_a_stop_that_the_device_did_not_confirm_stays_until_it_is_dismissed() -> None:
    asks, clock = Asked(), Turned()
    acts = Acts(asks, clock)
    acts.send("runs.stop", "neware:1-1", "run-1")
    asks.thens[0]("stop sent, NOT confirmed")
    clock.s += 1000.0
    act = acts.latest("neware:1-1")
    assert act is not None and act.state is ActState.NOT_CONFIRMED
    acts.dismiss(act.id)
    assert acts.latest("neware:1-1") is None


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (TroubleKind.DEADLINE, ActState.NOT_CONFIRMED),
        (TroubleKind.LINK, ActState.NOT_CONFIRMED),
        (TroubleKind.REFUSED, ActState.REFUSED),
        (TroubleKind.CONFLICT, ActState.REFUSED),
        (TroubleKind.FAILED, ActState.FAILED),
    ],
)
def test_r4_every_trouble_ends_an_act_with_its_reason(kind: TroubleKind, state: ActState) -> None:
    asks = Asked()
    acts = Acts(asks, Turned())
    told: list[Trouble] = []
    acts.send("queue.hold", "j-1", "j-1", failed=told.append)
    trouble = Trouble("j-1 was not held.", "li was faster.", "Look again.", kind=kind)
    asks.faileds[0](trouble)
    act = acts.latest("j-1")
    assert act is not None and act.state is state and "li was faster." in act.text
    assert told == [trouble] and acts.pending == ()


def test_u20_stop_all_names_the_outputs_that_did_not_confirm() -> None:
    asks = Asked()
    acts = Acts(asks, Turned())
    acts.send("station.stop_all", "station")
    reports = (
        StopReport(ChannelId("neware:1-1"), True),
        StopReport(ChannelId("neware:1-2"), False, "no answer"),
    )
    asks.thens[0](StopAll(True, "chen", reports=reports))
    act = acts.latest("station")
    assert act is not None and act.state is ActState.NOT_CONFIRMED and "neware:1-2" in act.text


def test_only_two_hundred_acts_are_kept_and_awaited_ones_always() -> None:
    asks = Asked()
    acts = Acts(asks, Turned())
    acts.send("runs.stop", "first", "r")
    for number in range(400):
        acts.send("queue.hold", f"j-{number}", "j")
        asks.thens[-1]("held")
    assert [act.subject for act in acts.pending] == ["first"]
    assert len(acts._acts) <= 202


def test_u19_edits_undo_and_redo_two_hundred_times() -> None:
    values: list[int] = []
    stack = EditStack()
    for number in range(250):
        stack.do(Edit(f"add {number}", lambda n=number: values.append(n), values.pop))  # type: ignore[misc]
    assert stack.undo() == "add 249" and values[-1] == 248
    for _ in range(249):
        stack.undo()
    assert values == [] and stack.undo() == ""
    assert stack.redo() == "add 0" and stack.texts == ("add 0",)
    stack.do(None)
    assert stack.redo() == "add 1"
    stack.do(Edit("other", lambda: values.append(-1), values.pop))
    assert stack.redo() == ""


def test_r6_an_unconfirmed_stop_among_a_thousand_is_not_forgotten() -> None:
    asks = Asked()
    acts = Acts(asks, Turned())
    for number in range(1024):
        acts.send("runs.stop", f"neware:1-{number}", f"run-{number}")
    asks.thens[0]("stop sent, NOT confirmed")
    for then in asks.thens[1:]:
        then("stopped, read back")
    for number in range(1024, 2048):
        acts.send("runs.note", f"run-{number}", f"run-{number}")
    act = acts.latest("neware:1-0")
    assert act is not None and act.state is ActState.NOT_CONFIRMED
    acts.dismiss(act.id)
    assert acts.latest("neware:1-0") is None


def test_acts_that_went_wrong_are_bounded_too() -> None:
    from labctl.gui.viewmodels import acts as module

    asks = Asked()
    acts = Acts(asks, Turned())
    for number in range(module.WRONG_KEPT + 300):
        acts.send("alarms.acknowledge", f"key-{number}", f"key-{number}")
        asks.faileds[-1](Trouble("Not done", "no link", kind=TroubleKind.LINK))
    assert acts.latest("key-0") is None
    assert acts.latest(f"key-{module.WRONG_KEPT + 299}") is not None
