"""``labctl run --alone`` asks the person at the terminal to move leads: Enter, a reason, or no spectrum at all."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any, cast

import pytest

from labctl.cli.leadsperson import LeadsPerson, beside
from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.engine.shell import ignore_progress
from labctl.errors import StoreError, UserInputError
from labctl.model.handover import HandoverStatus, Stage, Via
from labctl.model.ids import ChannelId

ASKED = HandoverStatus(
    "run", ChannelId("neware:1-1"), "C1", "one", "pstat", Via.OPERATOR, Stage.TO_POTENTIOSTAT, asked=True,
    text="Move the leads of one.",
)  # fmt: skip


class Engine:
    """Hears what was typed; asks once more where told so."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str]] = []
        self.refuses = 0

    def handovers(self) -> tuple[HandoverStatus, ...]:
        """Return that it is still asked."""
        return (ASKED,)

    async def confirm_handover(self, run_id: str, by: str, reason: str = "") -> None:
        """Hear it, or refuse it first."""
        self.refuses -= 1
        if self.refuses >= 0:
            raise UserInputError("not now")
        self.heard.append(("confirm", reason))

    async def skip_spectrum(self, run_id: str, by: str, reason: str) -> None:
        """Hear it."""
        self.heard.append(("skip", reason))


def typed(
    monkeypatch: pytest.MonkeyPatch, lines: str, asked: HandoverStatus = ASKED, refuses: int = 0
) -> Engine:
    """Let a person type these lines where leads are to be moved; return what the engine has heard."""
    monkeypatch.setattr("sys.stdin", io.StringIO(lines))
    engine = Engine()
    engine.refuses = refuses

    async def main(clock: Clock) -> None:
        person = LeadsPerson(ignore_progress, clock)
        person.meet(cast(Any, engine))
        person.handover(asked, asked.run_id)
        await beside(person.serve(), clock.link.sleep(60.0))

    run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)
    return engine


@pytest.mark.parametrize(
    ("line", "heard"),
    [
        ("\n", ("confirm", "")),
        ("held at 60 degC\n", ("confirm", "held at 60 degC")),
        ("skip lead is broken\n", ("skip", "lead is broken")),
        ("skip\n", ("skip", "given up at the terminal")),
    ],
)
def test_what_is_typed_reaches_the_engine(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], line: str, heard: tuple[str, str]
) -> None:
    assert typed(monkeypatch, line, replace(ASKED, trouble="3.1 V, not 3.4 V")).heard == [heard]
    told = capsys.readouterr().err
    assert "Move the leads of one." in told and "3.1 V, not 3.4 V" in told


def test_what_was_refused_is_asked_again_and_an_ended_input_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert typed(monkeypatch, "\n\n", refuses=1).heard == [("confirm", "")]
    assert typed(monkeypatch, "").heard == []
    assert "nobody confirms that here" in capsys.readouterr().err


def test_an_error_of_the_run_comes_out_as_it_is() -> None:
    async def main(clock: Clock) -> None:
        async def fails() -> None:
            raise StoreError("the disk is full")

        await beside(LeadsPerson(ignore_progress, clock).serve(), fails())

    with pytest.raises(StoreError, match="the disk is full"):
        run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)
