"""What the engine says of cells at potentiostats becomes the feed's present values and a person's alarms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from labctl.model.bench import LinkState
from labctl.model.handover import HandoverStatus, PotentiostatStatus, SpectrumEntry, Stage, Via
from labctl.model.ids import ChannelId
from labctl.station.feed import Feed
from labctl.station.listening import SPECTRA_KEPT, Listener

CHANNEL = ChannelId("neware:1-1")
RUN = "20260101T000000-C1"
ASKED = HandoverStatus(
    RUN,
    CHANNEL,
    "C1",
    "one",
    "pstat",
    Via.OPERATOR,
    Stage.TO_POTENTIOSTAT,
    asked=True,
    text="Move the leads.",
)


class Alarms:
    """Keeps what is raised, by definition and subject."""

    def __init__(self) -> None:
        self.standing: dict[tuple[str, str], dict[str, Any]] = {}

    def raise_alarm(self, definition: str, subject: str, **told: Any) -> None:
        """Raise."""
        self.standing[definition, subject] = told

    def clear(self, definition: str, subject: str) -> None:
        """Clear."""
        self.standing.pop((definition, subject), None)


def listening() -> tuple[Listener, Feed, Alarms]:
    """Return a listener of which only the feed and the alarms are there."""
    feed, alarms = Feed("e"), Alarms()
    nobody = cast(Any, None)
    listener = Listener(nobody, feed, nobody, nobody, cast(Any, alarms), nobody, nobody, nobody, nobody)
    return listener, feed, alarms


def test_a_person_is_called_while_leads_are_to_be_moved_and_no_longer() -> None:
    listener, feed, alarms = listening()
    listener.handover(replace(ASKED, asked=False, stage=Stage.QUEUED), RUN)
    assert alarms.standing == {}
    listener.handover(ASKED, RUN)
    told = alarms.standing["handover.asked", CHANNEL]
    assert told["text"] == "Move the leads." and told["run_id"] == RUN
    assert "从通道 neware:1-1移到恒电位仪 pstat" in told["text_zh"]
    listener.handover(replace(ASKED, asked=False, stage=Stage.CHECKING), RUN)
    assert alarms.standing == {}
    value = feed.value("handover", RUN)
    assert value is not None and value["stage"] == "checking"


def test_a_voltage_that_differed_is_over_once_somebody_confirms_again() -> None:
    listener, _, alarms = listening()
    listener.handover(ASKED, RUN)
    alarms.raise_alarm("eis.ocv_differs", CHANNEL)
    listener.handover(replace(ASKED, trouble="3.1 V, not 3.4 V"), RUN)
    assert ("eis.ocv_differs", CHANNEL) in alarms.standing
    listener.handover(replace(ASKED, asked=False, stage=Stage.CHECKING), RUN)
    assert alarms.standing == {}


def test_the_way_back_is_told_the_other_way_round_and_the_end_leaves_nothing() -> None:
    listener, feed, alarms = listening()
    listener.handover(replace(ASKED, stage=Stage.TO_CYCLER), RUN)
    told = alarms.standing["handover.asked", f"{CHANNEL}/back"]
    assert "从恒电位仪 pstat移到通道 neware:1-1" in told["text_zh"] and told["channel"] == CHANNEL
    listener.handover(None, RUN)
    assert alarms.standing == {} and feed.value("handover", RUN) is None


def test_a_potentiostat_that_is_gone_is_an_alarm_and_one_that_is_being_opened_is_none() -> None:
    listener, feed, alarms = listening()
    opening = PotentiostatStatus("pstat", "methodscript", "tcp://h:1", LinkState.OPENING)
    listener.potentiostat(opening)
    assert alarms.standing == {}
    listener.potentiostat(replace(opening, link=LinkState.STALE, text="no answer"))
    assert "no answer" in alarms.standing["potentiostat.lost", "pstat"]["text"]
    listener.potentiostat(replace(opening, link=LinkState.LIVE))
    assert alarms.standing == {}
    value = feed.value("potentiostat", "pstat")
    assert value is not None and value["link"] == "live"


def test_the_newest_spectra_are_told_and_older_ones_leave_the_state() -> None:
    listener, feed, _ = listening()
    listener.spectrum(SpectrumEntry("", "C1", RUN, outcome="failed"))
    assert feed.number == 0
    for number in range(SPECTRA_KEPT + 1):
        listener.spectrum(SpectrumEntry(f"{RUN}-e{number}", "C1", RUN))
    assert feed.value("spectrum", f"{RUN}-e0") is None
    assert feed.value("spectrum", f"{RUN}-e{SPECTRA_KEPT}") is not None
