"""Commands by a few letters, the one key map (U16), settings, recovery after a power cut (U11)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labctl.gui.viewmodels.acts import Acts, Trouble, TroubleKind
from labctl.gui.viewmodels.commands import Command, Palette, fuzzy
from labctl.gui.viewmodels.edits import EditStack
from labctl.gui.viewmodels.filters import Quantity, Rule, SavedFilter
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.palette import KEYS, Where, clashes
from labctl.gui.viewmodels.recovery import Proposal, Recovery
from labctl.gui.viewmodels.settings import Language, People, Preferences, Settings, Theme, preferences_of
from labctl.model.bench import Delta, LinkState
from labctl.model.ids import ChannelId, RunId
from labctl.model.person import Person, Role
from labctl.model.run import RunSummary
from labctl.testing.guilab import FakeAsks, TurnedClock, a_lab, box, empty, tell

# -- palette and keys --------------------------------------------------------------------------------------------------


def test_u16_a_few_letters_find_a_command() -> None:
    done: list[str] = []
    titles = ["Pause at step end", "Pause now", "Stop all outputs", "Open protocol", "Settings"]
    palette = Palette()
    commands = [Command(title, lambda t=title: done.append(t)) for title in titles]  # type: ignore[misc]  # bound now

    def best(text: str) -> str:
        return palette.find(text, commands)[0].command.text

    assert [best(text) for text in ("pse", "stop", "sett")] == [
        "Pause at step end",
        "Stop all outputs",
        "Settings",
    ]
    assert palette.find("zzz", commands) == () and len(palette.find("", commands)) == 5
    assert palette.run(palette.find("pn", commands)[0].command) == "" and done == ["Pause now"]
    assert best("") == "Pause now", "what was used last comes first"


def test_u17_commands_are_found_by_other_words_and_r5_say_why_they_are_off() -> None:
    palette, done = Palette(), []
    stop = Command(
        "Stop", lambda: done.append(1), "", "Channel", "Nothing runs on 1-1.", ("停止", "1-1 C0041")
    )
    (hit,) = palette.find("停止", [stop])
    assert (
        hit.command.why == "Nothing runs on 1-1." and palette.run(hit.command) == hit.command.why and not done
    )
    assert (
        palette.find("c0041", [stop])
        and palette.find("stop chan", [stop])
        and palette.find("chan stop", [stop])
    )


@given(st.text(max_size=10), st.text(max_size=30))
def test_found_letters_are_really_there_in_order(text: str, title: str) -> None:
    hit = fuzzy(text, title)
    if hit is not None:
        assert list(hit[1]) == sorted(set(hit[1]))
        assert "".join(title.lower()[at] for at in hit[1]) == "".join(text.lower().split())


def test_every_key_means_one_thing_where_it_acts() -> None:
    assert clashes() == []


def test_no_act_on_hardware_is_on_a_single_letter_and_letters_act_in_plots_and_alarms_only() -> None:
    letters = [key for key in KEYS if any(len(keys) == 1 and keys.isalpha() for keys in key.keys)]
    assert letters and all(key.where in (Where.PLOT, Where.ALARMS) and not key.hardware for key in letters)
    assert next(key for key in KEYS if key.id == "stop_all").keys == ("Ctrl+Shift+F12",)


# -- settings ----------------------------------------------------------------------------------------------------------


class Kept:
    def __init__(self, data: Mapping[str, Any] | None = None) -> None:
        self.data: dict[str, Any] = dict(data or {})

    def load(self) -> Mapping[str, Any]:
        return self.data

    def save(self, data: Mapping[str, Any]) -> None:
        self.data = dict(data)


def test_u17_u19_preferences_change_at_once_are_kept_and_undo() -> None:
    kept, stack = Kept(), EditStack()
    settings = Settings(kept)
    seen: list[frozenset[str]] = []
    settings.watch(seen.append)
    stack.do(settings.set(language=Language.CHINESE, theme="dark"))
    assert settings.now.language is Language.CHINESE and Settings(kept).now == settings.now
    assert seen == [frozenset({"language", "theme"})]
    stack.undo()
    assert settings.now.theme is Theme.LIGHT and settings.set(theme=Theme.LIGHT) is None
    for _ in range(20):
        stack.do(settings.zoom(1))
    assert settings.now.scale == 2.0
    stack.do(settings.zoom(0))
    assert settings.now.scale == 1.0
    with pytest.raises(ValueError):
        settings.set(scale=5.0)


def test_u09_filters_are_saved_by_name_and_removed() -> None:
    settings, stack = Settings(Kept()), EditStack()
    names = [one.name for one in settings.filters]
    mine = SavedFilter("mine", (Rule(Quantity.OCV_BELOW, 2.0),))
    stack.do(settings.save_filter(mine))
    assert [one.name for one in settings.filters] == [*names, "mine"]
    stack.do(settings.remove_filter(names[0]))
    stack.undo()
    stack.undo()
    assert [one.name for one in settings.filters] == names


@given(
    st.dictionaries(
        st.sampled_from([*Preferences.__slots__, "x"]), st.none() | st.booleans() | st.floats() | st.text()
    )
)
def test_whatever_stands_in_the_settings_file_the_window_opens(data: dict[str, Any]) -> None:
    found = preferences_of(data)
    assert isinstance(found, Preferences) and 0.8 <= found.scale <= 2.0
    assert preferences_of(found.to_plain()).to_plain() == found.to_plain()


def test_people_are_added_by_an_administrator_and_the_token_is_shown_once() -> None:
    class Answer:
        token = "secret"

    asks = FakeAsks({"people.list": (Person("li", Role.OPERATE, ""), Person("old", Role.VIEW, "", revoked=True)),
                     "people.add": Answer()})  # fmt: skip
    people = People(a_lab(role=Role.ADMIN), Acts(asks, TurnedClock()))
    people.refresh()
    assert [(row.name, row.role) for row in people.rows()] == [("li", "operator"), ("old", "view only")]
    assert people.add("li", Role.VIEW) == "li has access already." and people.add(" ", Role.VIEW) != ""
    assert people.add("wang", Role.OPERATE) == "" and people.token == "secret"
    people.forget_token()
    assert people.token == "" and people.revoke("li", "left") == ""
    assert "administrator" in People(a_lab(), Acts(asks, TurnedClock())).add_why_not("x")


# -- recovery ----------------------------------------------------------------------------------------------------------


def a_run(channel: str, phase: str = "", **words: Any) -> RunSummary:
    return RunSummary(
        RunId(f"r-{channel}"), "C1", "C1", ChannelId(channel), "P", "running", phase=phase, cycle=12, **words
    )


def a_power_cut() -> tuple[Lab, FakeAsks, Recovery]:
    lab = a_lab()
    followed = Delta(1, "run", "r-a:1-4", {"run_id": "r-a:1-4", "channel": "a:1-4", "phase": "running"})
    tell(lab, box("a", 8), box("b", 8, LinkState.STALE), followed)
    tell(
        lab,
        empty("a:1-1", state="running"),
        empty("a:1-2", state="finished"),
        empty("a:1-4", state="running"),
    )
    tell(lab, empty("a:1-3", state="idle", tripped="V above"), empty("b:1-1", state="unknown"))
    runs = (a_run("a:1-1"), a_run("a:1-2"), a_run("a:1-3", reason="held: it tripped"), a_run("a:1-4"), a_run("b:1-1"),
            RunSummary(RunId("over"), "C9", "C9", ChannelId("a:1-5"), "P", "ended"))  # fmt: skip
    asks = FakeAsks({"runs.list": runs})
    recovery = Recovery(lab, Acts(asks, TurnedClock()))
    recovery.refresh()
    return lab, asks, recovery


def test_u11_each_channel_says_what_was_what_the_device_says_and_what_is_proposed() -> None:
    _, _, recovery = a_power_cut()
    found = {row.label: row for row in recovery.rows()}
    assert {label: row.proposal for label, row in found.items()} == {
        "1:1-1": Proposal.FOLLOW, "1:1-2": Proposal.FETCH, "1:1-3": Proposal.LOOK, "1:1-4": Proposal.NOTHING,
        "2:1-1": Proposal.WAIT,
    }  # fmt: skip
    assert "cycle 12" in found["1:1-2"].was and found["1:1-2"].device.startswith("finished")
    assert found["1:1-3"].result == "held: it tripped" and found["2:1-1"].device == "b does not answer"
    assert [row.label for row in recovery.rows()][-2:] == ["1:1-4", "2:1-1"]
    assert recovery.needed and "2 to accept, 1 to look at, 1 wait" in recovery.summary()


def test_u11_nothing_energises_accepting_only_follows_and_doubtful_ones_are_left_out() -> None:
    _, asks, recovery = a_power_cut()
    assert recovery.acceptable() == ("r-a:1-1", "r-a:1-2")
    recovery.accept([*recovery.acceptable(), "r-a:1-4", "r-b:1-1"])
    assert [(question.verb, question.args) for question in asks.asked[1:]] == [
        ("runs.take_up", ("r-a:1-1",)), ("runs.take_up", ("r-a:1-2",)),
    ]  # fmt: skip
    recovery.accept(["r-a:1-1"])
    assert len(asks.of("runs.take_up")) == 2
    asks.asked[1].then(())
    asks.asked[2].then(("The last 3 rows are missing.",))
    told = {row.run_id: row.result for row in recovery.rows()}
    assert told["r-a:1-1"] == "followed again" and told["r-a:1-2"] == "The last 3 rows are missing."


def test_u11_a_refusal_stands_in_its_row() -> None:
    _, asks, recovery = a_power_cut()
    asks.answers["runs.take_up"] = Trouble("Not followed.", "Another cell is in it.")
    recovery.accept(["r-a:1-3"])
    assert {row.run_id: row.result for row in recovery.rows()}[
        "r-a:1-3"
    ] == "Not followed. Another cell is in it."
    asks.answers["runs.list"] = Trouble("No list.", "busy")
    recovery.refresh()
    assert recovery.trouble is not None and len(recovery.rows()) == 5


def test_u11_128_channels_are_accepted_in_one_go() -> None:
    lab = a_lab()
    names = [f"a:{unit}-{slot}" for unit in range(1, 17) for slot in range(1, 9)]
    tell(lab, box("a", 128), *(empty(name, state="running") for name in names))
    asks = FakeAsks({"runs.list": tuple(a_run(name) for name in names), "runs.take_up": ()})
    recovery = Recovery(lab, Acts(asks, TurnedClock()))
    recovery.refresh()
    recovery.accept(recovery.acceptable())
    assert len(asks.of("runs.take_up")) == 128


def test_u11_a_station_that_did_not_answer_is_asked_again_when_it_is_heard_and_one_that_refused_is_not() -> (
    None
):
    lab, asks = a_lab(TurnedClock()), FakeAsks()
    asks.answers["runs.list"] = Trouble("No answer yet", "the station is busy", kind=TroubleKind.DEADLINE)
    recovery = Recovery(lab, Acts(asks, TurnedClock()))
    recovery.refresh()
    asks.answers["runs.list"] = Trouble("Not done", "not allowed", kind=TroubleKind.REFUSED)
    tell(lab, empty("box:1-1"))
    tell(lab, empty("box:1-1"))
    assert len(asks.of("runs.list")) == 2 and recovery.trouble is not None
