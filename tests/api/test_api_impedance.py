"""Potentiostats, handovers and spectra over the API: what is told, who may act, what goes into the journal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labctl.api.messages import PREFIX
from labctl.model.impedance import SpectrumFit, SpectrumTable
from labctl.model.person import Role
from labctl.model.typed import from_plain
from labctl.testing.apibench import ApiBench
from labctl.testing.fakespectra import PSTAT, SPECTRUM_ID, some_spectrum

Play = Callable[..., None]
RUN = "20260101T000000-C1"
ENDED = "20260101T000000-C2"
WISH = {"f_start_Hz": 2e5, "f_end_Hz": 0.1}


async def posted(bench: ApiBench, path: str, body: Any = None, role: Role = Role.OPERATE) -> tuple[int, Any]:
    """Post; return status and answer."""
    async with bench.client(role) as client:
        answer = await client.post(PREFIX + path, json={} if body is None else body)
        return answer.status_code, answer.json()


async def got(bench: ApiBench, path: str, role: Role = Role.VIEW) -> Any:
    """Get a value that must be there."""
    async with bench.client(role) as client:
        answer = await client.get(PREFIX + path)
        assert answer.status_code == 200, answer.text
        return answer.json()


def test_a_confirmed_handover_is_in_the_journal_and_on_the_feed(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        (asked,) = await got(bench, "/handovers")
        assert asked["asked"] and asked["stage"] == "to potentiostat" and asked["measured_V"] is None
        status, _ = await posted(bench, f"/handovers/{RUN}/confirm", {"reason": "held too long"})
        assert status == 200
        (now,) = await got(bench, "/handovers")
        assert now["stage"] == "measuring" and not now["asked"]
        assert bench.core.feed.value("handover", RUN) == now
        row = (await bench.core.audit.newest(limit=1))[-1]
        assert (row.act, row.subject, row.reason) == ("handover.confirm", RUN, "held too long")

    play(scene)


def test_a_confirmation_that_nobody_asks_for_is_refused_and_not_journalled(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        assert (await posted(bench, f"/handovers/{RUN}/confirm"))[0] == 200
        before = (await bench.core.audit.verify()).entries
        status, told = await posted(bench, f"/handovers/{RUN}/confirm")
        assert status == 422 and "measuring" in told["error"]
        assert (await posted(bench, f"/handovers/{ENDED}/confirm"))[0] == 404
        assert (await bench.core.audit.verify()).entries == before

    play(scene)


def test_who_may_only_look_moves_no_leads_and_switches_nothing(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        for path in (
            f"/handovers/{RUN}/confirm",
            f"/handovers/{RUN}/skip",
            f"/potentiostats/{PSTAT}/cell-off",
        ):
            assert (await posted(bench, path, {"reason": "no"}, Role.VIEW))[0] == 403
        assert bench.core.pstat.handovers()[0].asked

    play(scene)


def test_a_spectrum_is_given_up_only_with_a_reason(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        assert (await posted(bench, f"/handovers/{RUN}/skip", {"reason": " "}))[0] == 422
        assert (await posted(bench, f"/handovers/{RUN}/skip", {"reason": "lead is broken"}))[0] == 200
        assert (await got(bench, "/handovers"))[0]["stage"] == "to cycler"

    play(scene)


def test_points_so_far_are_told_while_it_measures_and_none_before(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        before = from_plain(SpectrumTable, await got(bench, f"/potentiostats/{PSTAT}/spectrum"))
        assert len(before.spectrum()) == 0 and before.entry.points == 0
        await posted(bench, f"/handovers/{RUN}/confirm")
        live = from_plain(SpectrumTable, await got(bench, f"/potentiostats/{PSTAT}/spectrum"))
        assert (live.entry.run_id, live.entry.outcome, live.entry.points) == (RUN, "under way", 30)
        assert (live.spectrum().z_ohm == some_spectrum(points=30).z_ohm).all()
        assert (await posted(bench, "/potentiostats/other/cell-off"))[0] == 404

    play(scene)


def test_the_cell_is_switched_off_and_the_journal_says_of_whose_run(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        await posted(bench, f"/handovers/{RUN}/confirm")
        assert (await posted(bench, f"/potentiostats/{PSTAT}/cell-off", {"reason": "smoke"}))[0] == 200
        assert (await got(bench, "/potentiostats"))[0]["cell_on"] is False
        row = (await bench.core.audit.newest(limit=1))[-1]
        assert (row.act, row.subject, row.new) == ("potentiostat.cell-off", PSTAT, {"run_id": RUN})

    play(scene)


def test_a_spectrum_that_cannot_be_is_refused_before_anything_is_journalled(play: Play) -> None:
    wishes = [{"f_end_Hz": 0.0}, {"amplitude_rms_V": -1.0}, {"points_per_decade": 10**6}, {"on": "other"}]

    async def scene(bench: ApiBench) -> None:
        before = (await bench.core.audit.verify()).entries
        for wrong in wishes:
            assert (await posted(bench, f"/runs/{RUN}/eis", {**WISH, **wrong}))[0] == 422, wrong
        assert (await bench.core.audit.verify()).entries == before

    play(scene)


def test_a_spectrum_on_the_way_is_asked_for_with_its_settings_in_the_journal(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        bench.core.pstat.ways.clear()
        status, _ = await posted(bench, f"/runs/{RUN}/eis", {**WISH, "amplitude_rms_A": 1e-5})
        assert status == 200
        row = (await bench.core.audit.newest(limit=1))[-1]
        assert row.act == "run.eis" and row.new["amplitude_rms_A"] == 1e-5
        assert (await posted(bench, f"/runs/{ENDED}/eis", WISH))[0] == 422

    play(scene)


def test_spectra_are_listed_by_cell_and_by_run_and_come_with_every_column(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        (entry,) = await got(bench, f"/spectra?run_id={RUN}")
        assert entry["spectrum_id"] == SPECTRUM_ID
        assert await got(bench, "/spectra?cell_id=other") == []
        table = from_plain(SpectrumTable, await got(bench, f"/spectra/{SPECTRUM_ID}"))
        ours, truth = table.spectrum(), some_spectrum()
        assert (ours.z_ohm == truth.z_ohm).all() and (ours.flags == truth.flags).all()
        assert ours.head.area_cm2 == 0.785 and ours.t_start_s.shape == truth.t_start_s.shape
        async with bench.client(Role.VIEW) as client:
            assert (await client.get(f"{PREFIX}/spectra/none")).status_code == 404

    play(scene)


def test_a_fit_comes_with_intervals_residuals_and_the_line_through_the_points(play: Play) -> None:
    async def scene(bench: ApiBench) -> None:
        told = from_plain(SpectrumFit, await got(bench, f"/spectra/{SPECTRUM_ID}/fit"))
        values = {one.name: one for one in told.resistances}
        assert told.outcome == "fitted" and told.kk is not None and told.kk.passed
        assert values["R_b"].low <= 6.0 <= values["R_b"].high
        assert len(told.curve_Hz) == len(told.curve_re_ohm) > 200
        assert len(told.kk.residual_re) == len(told.kk.frequency_Hz) == 71
        async with bench.client(Role.VIEW) as client:
            wrong = await client.get(f"{PREFIX}/spectra/{SPECTRUM_ID}/fit", params={"circuit": "L-R-(R"})
        assert wrong.status_code == 422

    play(scene)
