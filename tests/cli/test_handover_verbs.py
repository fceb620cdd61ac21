"""``labctl handover`` and ``labctl runs spectrum`` against a station's real application: words, JSON, exit codes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labctl.api.client import connect
from labctl.cli.app import main
from labctl.testing.commandline import Call, captured
from labctl.testing.fakespectra import PSTAT, SPECTRUM_ID
from labctl.testing.fakestation import ServedFake, served_fake

RUN = "20260101T000000-C1"


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedFake]:
    with served_fake(tmp_path_factory.mktemp("handover") / "data") as served:
        yield served


@pytest.fixture
def data(fake: ServedFake, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data root of a station at which the leads of one cell are waited for."""
    for name in ("LABCTL_URL", "LABCTL_TOKEN", "LABCTL_STATION"):
        monkeypatch.delenv(name, raising=False)
    fake.call(asked_again(fake))
    return fake.data


async def asked_again(fake: ServedFake) -> None:
    """Let the cell be waited for, as at the beginning."""
    fake.core.pstat.begin()
    fake.core.pstat.tell()


def labctl(data: Path, *words: str) -> Call:
    """Call the command line on this station."""
    return captured(main, *words, "--data", str(data))


def listed(data: Path) -> list[dict[str, Any]]:
    """Return what the list says."""
    found: list[dict[str, Any]] = labctl(data, "handover", "list", "--json").json
    return found


def test_the_leads_of_the_only_cell_that_is_waited_for_are_confirmed_without_naming_it(data: Path) -> None:
    told = labctl(data, "handover", "list")
    assert told.code == 0 and "Move the leads of one from neware:1-1 to pstat" in told.out
    assert labctl(data, "handover", "confirm", "--by", "Anna").code == 0
    assert [one["stage"] for one in listed(data)] == ["measuring"]
    again = labctl(data, "handover", "confirm")
    assert again.code == 2 and "no cell is waited for" in again.err
    journal = labctl(data, "audit", "show").out
    assert "handover.confirm" in journal and "Anna" in journal


def test_a_spectrum_is_given_up_by_channel_with_a_reason_and_the_cell_brought_back(data: Path) -> None:
    assert labctl(data, "handover", "skip", "neware:1-1").code == 2
    wrong = labctl(data, "handover", "skip", "neware:1-2", "--reason", "lead is broken")
    assert wrong.code == 2 and "one in neware:1-1" in wrong.err
    assert labctl(data, "handover", "skip", "neware:1-1", "--reason", "lead is broken").code == 0
    assert "from pstat to neware:1-1" in labctl(data, "handover", "list").out
    assert labctl(data, "handover", "confirm", "one").code == 0
    assert "No cell is on its way" in labctl(data, "handover", "list").out
    words = ("runs", "spectrum", RUN, "--from", "200 kHz", "--to", "100 mHz", "--reason", "soft short?")
    assert labctl(data, *words).code == 0
    assert [one["stage"] for one in listed(data)] == ["queued"]


def test_a_client_walks_a_handover_and_reads_spectrum_and_fit(data: Path) -> None:
    with connect(data=data) as station:
        (asked,) = station.handovers.list()
        assert asked.asked and asked.run_id == RUN
        mirror = station.mirror(("handover", "potentiostat"))
        mirror.update()
        assert mirror.state["handover", RUN]["stage"] == "to potentiostat"
        station.handovers.confirm(RUN)
        assert len(station.potentiostats.spectrum(PSTAT).spectrum()) == 30
        assert "off" in station.potentiostats.cell_off(PSTAT, reason="enough")
        station.handovers.confirm(RUN)
        assert station.handovers.list() == ()
        (entry,) = station.spectra.list(run_id=RUN)
        assert (entry.spectrum_id, entry.points) == (SPECTRUM_ID, 71)
        fitted = station.spectra.fit(SPECTRUM_ID)
        assert fitted.outcome == "fitted" and fitted.resistances[0].name == "R_b"
        assert len(station.spectra.get(SPECTRUM_ID).spectrum()) == 71
