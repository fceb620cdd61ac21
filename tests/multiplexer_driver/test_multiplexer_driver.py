"""The multiplexer driver on a tiny box: the suite, and what it does when the box answers nonsense."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from labctl_drivers.multiplexer import create
from labctl_drivers.multiplexer.options import with_usual_baud

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import (
    InstrumentError,
    LinkTimeout,
    RefusedError,
    UnknownStateError,
    UsageError,
    UserInputError,
    WireError,
)
from labctl.interfaces.cycler import ChannelState
from labctl.interfaces.switch import AtRest, CellSwitch, Path, Source
from labctl.testing.switchconformance import CASES, SwitchRig, SwitchSetup, check_switch

REST = AtRest(ChannelState.STOPPED, 0.0, cell_on=False)
CYCLER, POTENTIOSTAT = Path(1, Source.CYCLER), Path(1, Source.POTENTIOSTAT)


def play(main: Callable[[Clock], Coroutine[Any, Any, None]]) -> None:
    run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)


@pytest.mark.parametrize("case", CASES)
def test_the_driver_keeps_each_case_on_a_tiny_box(case: str, tiny_setup: Callable[[], SwitchSetup]) -> None:
    report = check_switch(tiny_setup, only=[case])
    assert not report.problems, report
    assert report.kept == (case,)


def test_a_move_says_exactly_these_lines(tiny_rig: Callable[..., Any]) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, places=2)
        await rig.switch.open()
        rig.box.turn(CYCLER, True)
        rig.box.heard.clear()
        await rig.switch.join(1, Source.POTENTIOSTAT, REST)
        read_back = ["ROUT:CLOS? (@101)", "ROUT:CLOS? (@201)"]
        wanted = [*read_back, "ROUT:OPEN (@101)", *read_back, "ROUT:CLOS (@201)", *read_back]
        assert rig.box.heard == wanted

    play(main)


@pytest.mark.parametrize("nonsense", ["2\n", "\n", "0\n0\n", "\x00\n", "yes\n", "ROUT:CLOS?\n"])
def test_a_read_back_that_is_neither_0_nor_1_opens_everything(
    nonsense: str, tiny_rig: Callable[..., Any]
) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, places=2)
        await rig.switch.open()
        await rig.switch.join(2, Source.CYCLER, REST)
        closings = iter(range(100))

        def answer(line: str, right: str) -> str:
            spoil = line == "ROUT:CLOS? (@201)" and next(closings) == 0
            return nonsense if spoil else right

        rig.box.answer = answer
        with pytest.raises(UnknownStateError, match="have been opened and read as open"):
            await rig.switch.join(1, Source.CYCLER, REST)
        assert not rig.box.closed

    play(main)


def test_a_line_that_nobody_asked_for_is_not_taken_for_a_read_back(tiny_rig: Callable[..., Any]) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, places=2)
        await rig.switch.open()
        rig.box.answer = lambda line, right: "1\n" if line.startswith("ROUT:CLOS (") else right
        rig.box.welded.add(CYCLER)
        with pytest.raises(UnknownStateError, match="nothing that was asked"):
            await rig.switch.join(1, Source.CYCLER, REST)

    play(main)


def test_a_box_that_falls_silent_in_a_move_is_told_to_open_everything_at_once(
    tiny_rig: Callable[..., Any],
) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, places=2)
        await rig.switch.open()
        await rig.switch.join(2, Source.CYCLER, REST)
        rig.box.answer = lambda line, right: ""
        with pytest.raises(LinkTimeout):
            await rig.switch.join(1, Source.CYCLER, REST)
        assert rig.box.heard[-1] == "ROUT:OPEN:ALL"
        assert not rig.box.closed
        with pytest.raises(UsageError, match="open all paths first"):
            await rig.switch.join(1, Source.CYCLER, REST)

    play(main)


def test_a_place_found_at_both_sources_is_opened_with_all_others(tiny_rig: Callable[..., Any]) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, places=2)
        for path in (CYCLER, POTENTIOSTAT, Path(2, Source.CYCLER)):
            rig.box.turn(path, True)
        with pytest.raises(
            UnknownStateError, match="place 1 at the cycler, place 1 at the potentiostat, place 2"
        ):
            await rig.switch.open()
        assert not rig.box.closed
        await rig.switch.open()

    play(main)


def test_while_in_doubt_nothing_is_joined_until_all_paths_read_as_open(tiny_rig: Callable[..., Any]) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock, places=2)
        await rig.switch.open()
        rig.box.turn(CYCLER, True)
        rig.box.welded.add(CYCLER)
        with pytest.raises(UnknownStateError, match="unplug the cells"):
            await rig.switch.join(1, Source.POTENTIOSTAT, REST)
        with pytest.raises(UsageError, match="open all paths first"):
            await rig.switch.join(2, Source.CYCLER, REST)
        rig.box.welded.clear()
        await rig.switch.open_all()
        await rig.switch.join(2, Source.CYCLER, REST)

    play(main)


def test_another_box_than_before_is_refused(tiny_rig: Callable[..., Any]) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock)
        identity = await rig.switch.open()
        assert (identity.maker, identity.model, identity.serial, identity.firmware) == (
            "labctl",
            "MUX8",
            "TINY0001",
            "1.0",
        )
        await rig.switch.close()
        rig.box.identity = "labctl,MUX8,TINY0002,1.0"
        with pytest.raises(RefusedError, match="TINY0002"):
            await rig.switch.open()

    play(main)


def test_something_that_is_no_multiplexer_is_a_wire_error(tiny_rig: Callable[..., Any]) -> None:
    async def main(clock: Clock) -> None:
        rig = tiny_rig(clock)
        rig.box.identity = "hello"
        with pytest.raises(WireError, match="no identity"):
            await rig.switch.open()

    play(main)


class Mistaken:
    """A switch with one method replaced."""

    def __init__(self, inner: CellSwitch, **replaced: Any) -> None:
        self._inner = inner
        self._replaced = replaced

    def __getattr__(self, name: str) -> Any:
        return self._replaced.get(name) or getattr(self._inner, name)


def _makes_before_it_breaks(rig: Any) -> Any:
    async def join(place: int, source: Source, rest: AtRest) -> None:
        other = next(one for one in Source if one is not source)
        rig.box.turn(Path(place, source), True)
        rig.box.turn(Path(place, other), False)

    return Mistaken(rig.switch, join=join)


def _breaks_too_shortly(rig: Any) -> Any:
    async def join(place: int, source: Source, rest: AtRest) -> None:
        other = next(one for one in Source if one is not source)
        rig.box.turn(Path(place, other), False)
        rig.box.turn(Path(place, source), True)

    return Mistaken(rig.switch, join=join)


def _believes_anything(rig: Any) -> Any:
    inner = rig.switch.join

    async def join(place: int, source: Source, rest: AtRest) -> None:
        try:
            await inner(place, source, rest)
        except InstrumentError:
            return

    return Mistaken(rig.switch, join=join)


def _refuses_nothing(rig: Any) -> Any:
    inner = rig.switch.join

    async def join(place: int, source: Source, rest: AtRest) -> None:
        await inner(place, source, REST)

    return Mistaken(rig.switch, join=join)


HANDOVERS = "a hundred handovers never join both, and break long enough before each make"


@pytest.mark.parametrize(
    ("case", "spoil"),
    [
        (HANDOVERS, _makes_before_it_breaks),
        (HANDOVERS, _breaks_too_shortly),
        (
            "a relay that does not open: all others are opened, and nothing is closed any more",
            _believes_anything,
        ),
        ("a relay that does not close: all are opened, and the box can be used again", _believes_anything),
        ("a move is refused unless both instruments are at rest, and nothing is sent", _refuses_nothing),
    ],
)
def test_a_driver_with_a_planted_mistake_is_found(
    case: str, spoil: Callable[[Any], Any], tiny_rig: Callable[..., Any]
) -> None:
    def rig(clock: Clock) -> SwitchRig:
        made = tiny_rig(clock)
        made.switch = spoil(made)
        return made  # type: ignore[no-any-return]  # the fixture's class is not importable here

    assert check_switch(lambda: SwitchSetup(rig), only=[case]).problems


@pytest.mark.parametrize(
    "options", [{"place": 4}, {"places": 0}, {"places": 100}, {"places": True}, {"reply_timeout_s": 0}]
)
def test_an_option_that_cannot_be_is_named(options: dict[str, object]) -> None:
    with pytest.raises(UserInputError, match="multiplexer mux: "):
        create("mux", "mem://mux", options, None, None)  # type: ignore[arg-type]  # refused before they are used


def test_a_serial_resource_gets_the_usual_baud_only_where_it_names_none() -> None:
    assert with_usual_baud("serial:///dev/ttyUSB0") == "serial:///dev/ttyUSB0?baud=9600"
    assert with_usual_baud("serial://COM3?baud=115200") == "serial://COM3?baud=115200"
    assert with_usual_baud("tcp://h:1") == "tcp://h:1"
