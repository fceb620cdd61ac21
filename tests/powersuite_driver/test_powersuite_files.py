"""Plan sheets out, exports in: half files, wrong files, old files, files that differ from the plan."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labctl_drivers.powersuite_files import create
from labctl_drivers.powersuite_files.options import folder_of
from labctl_drivers.powersuite_files.sheet import with_unit

from labctl.analysis.eisfiles.formats import OURS, formats
from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import LinkClosed, UnknownStateError, UsageError, UserInputError
from labctl.interfaces.potentiostat import MeasurementState, PersonAct
from labctl.model.spectrum import Spectrum
from labctl.model.technique import FrequencySweep, Ocv, Peis

PLAN = Peis(FrequencySweep(1000.0, 1.0, 2), 0.01, e_dc_V=0.0, settle_s=5.0)
HZ = PLAN.sweep.frequencies_Hz()
Story = Callable[[Any, Clock], Coroutine[Any, Any, None]]


def exported(frequency_Hz: Any = HZ, *, long: bool = False) -> bytes:
    """Return an export in PowerSuite's short form, low to high, or in PARSTAT's long one with two DC rows."""
    if not long:
        rows = [f"{f:.6E}\t {10 + 1 / f:.6E}\t {-100 / f:.6E}" for f in sorted(frequency_Hz)]
        return ("\r\n".join(["Frequency\t Zre\t Zimg", *rows]) + "\r\n").encode()
    names = "Potential (V)", "Current (A)", "Elapsed Time (s)", "Frequency (Hz)", "Zre (ohms)", "Zim (ohms)"
    rows = [f"0.1\t0.001\t{t}\t0\t0\t0\t0\t0\t" for t in (2.5, 5.0)]
    rows += [
        f"0.1\t0.001\t{6 + k}\t{f:.6E}\t{10 + 1 / f:.6E}\t{-100 / f:.6E}\t0.01\t1e-4\t"
        for k, f in enumerate(frequency_Hz)
    ]
    return ("\r\n".join(["\t".join((*names, "|Vac| (V)", "|Iac| (A)", "")), *rows]) + "\r\n").encode()


def play(folder: Path, story: Story, **options: object) -> None:
    """Run a story with an open driver in jump time."""

    async def main(clock: Clock) -> None:
        driver = create("ps", folder.as_uri(), options, clock, lambda resource: None)  # type: ignore[arg-type, return-value]
        await driver.open()
        try:
            await story(driver, clock)
        finally:
            await driver.close()

    run_with_clock(ClockSpec(mode=ClockMode.JUMP), main)


async def taken(
    driver: Any, clock: Clock, person: Callable[[Path], Coroutine[Any, Any, None]]
) -> tuple[Any, Spectrum]:
    """Measure; ``person`` works after the confirmed begin, given the sheet. Confirms both ends."""
    measurement = await driver.measure(PLAN)
    blocks: list[Any] = []

    async def read() -> None:
        async for block in measurement.blocks():
            blocks.append(block)

    async with asyncio.TaskGroup() as group:
        group.create_task(read())
        sheet = Path(measurement.asked.sheet)
        measurement.confirm("Ann")
        await person(sheet)
        while measurement.asked is None:
            await clock.plant.sleep(1.0)
        assert measurement.asked.act is PersonAct.END
        measurement.confirm("Bob")
    assert len(blocks) == 1
    return measurement, blocks[0]


def test_a_sheet_says_every_setting_with_its_unit(tmp_path: Path) -> None:
    async def story(driver: Any, clock: Clock) -> None:
        measurement = await driver.measure(Peis(FrequencySweep(1e6, 0.1, 10), 0.01, 0.05, "ocv", 10.0, 2e-3))
        text = Path(measurement.asked.sheet).read_text(encoding="utf-8")
        for line in (
            "Start frequency: 1 MHz", "End frequency: 100 mHz", "Points per decade: 10", "Number of points: 71",
            "Amplitude: 10 mV rms", "DC potential: 50 mV vs OC", "Settle time: 10 s", "Current range: 2 mA",
            "Save as: labctl-ps-0001.txt",
        ):  # fmt: skip
            assert line in text.splitlines()
        assert measurement.asked.act is PersonAct.BEGIN
        assert measurement.state is MeasurementState.ARMED

    play(tmp_path, story)


def test_ps_1_the_short_form_is_turned_to_the_order_asked_for_and_kept_unchanged(tmp_path: Path) -> None:
    async def story(driver: Any, clock: Clock) -> None:
        async def person(sheet: Path) -> None:
            (tmp_path / "labctl-ps-0001.txt").write_bytes(exported())

        measurement, spectrum = await taken(driver, clock, person)
        assert measurement.state is MeasurementState.DONE
        assert spectrum.frequency_Hz == pytest.approx(HZ)
        assert np.all(spectrum.z_im_ohm < 0)
        assert (tmp_path / "labctl-taken" / "labctl-ps-0001.txt").read_bytes() == exported()
        notes = " | ".join(measurement.head.notes)
        assert "begin confirmed by Ann" in notes and "end confirmed by Bob" in notes
        assert spectrum.head.amplitude_rms_V == 0.01

    play(tmp_path, story)


def test_ps_1_rows_of_direct_current_are_kept_apart_and_give_the_first_point_its_begin(
    tmp_path: Path,
) -> None:
    async def story(driver: Any, clock: Clock) -> None:
        async def person(sheet: Path) -> None:
            (tmp_path / "any name.txt").write_bytes(exported(long=True))

        _, spectrum = await taken(driver, clock, person)
        assert len(spectrum) == len(HZ)
        assert spectrum.t_start_s[0] == 5.0
        assert np.all(np.diff(spectrum.t_end_s) > 0)
        assert any("2 rows of direct current" in note for note in spectrum.head.notes)

    play(tmp_path, story)


@pytest.mark.parametrize("cut", [0.5, -4])
def test_ps_2_a_half_written_export_is_taken_once_and_whole(cut: float, tmp_path: Path) -> None:
    async def story(driver: Any, clock: Clock) -> None:
        whole = exported()

        async def person(sheet: Path) -> None:
            path = tmp_path / "slow.txt"
            path.write_bytes(b"")
            await clock.plant.sleep(10.0)
            path.write_bytes(whole[: int(len(whole) * cut) if cut > 0 else int(cut)])
            await clock.plant.sleep(25.0)
            path.write_bytes(whole)

        _, spectrum = await taken(driver, clock, person)
        assert spectrum.frequency_Hz == pytest.approx(HZ)
        assert [path.read_bytes() for path in (tmp_path / "labctl-taken").iterdir()] == [whole]

    play(tmp_path, story)


def test_an_export_that_is_written_anew_before_the_end_is_confirmed_counts_as_it_stands_then(
    tmp_path: Path,
) -> None:
    async def story(driver: Any, clock: Clock) -> None:
        async def person(sheet: Path) -> None:
            path = tmp_path / "export.txt"
            path.write_bytes(exported().replace(b"E", b"e"))
            await clock.plant.sleep(20.0)  # asked for the end by now
            path.write_bytes(exported(long=True))

        measurement, spectrum = await taken(driver, clock, person)
        assert np.isfinite(spectrum.t_end_s).all()
        assert any("written anew" in note for note in measurement.head.notes)
        assert [path.read_bytes() for path in (tmp_path / "labctl-taken").iterdir()] == [exported(long=True)]

    play(tmp_path, story)


def test_ps_3_an_export_of_another_range_is_taken_with_a_warning_and_both_are_recorded(
    tmp_path: Path,
) -> None:
    async def story(driver: Any, clock: Clock) -> None:
        async def person(sheet: Path) -> None:
            (tmp_path / "short.txt").write_bytes(exported(HZ[:-2]))

        measurement, spectrum = await taken(driver, clock, person)
        assert len(spectrum) == 5
        notes = " | ".join(measurement.head.notes)
        assert "the file holds 5 points, 7 were asked for" in notes
        assert "the lowest frequency is 10 Hz, 1 Hz was asked for" in notes

    play(tmp_path, story)


def test_what_lay_there_before_and_what_is_no_export_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "yesterday.txt").write_bytes(exported())

    async def story(driver: Any, clock: Clock) -> None:
        async def person(sheet: Path) -> None:
            (tmp_path / "voltammogram.txt").write_text("E\tI\r\n0.1\t0.2\r\n")
            (tmp_path / "export.txt.part").write_bytes(exported())
            await clock.plant.sleep(100.0)
            (tmp_path / "today.txt").write_bytes(exported())

        await taken(driver, clock, person)
        assert [path.name for path in (tmp_path / "labctl-taken").iterdir()] == ["labctl-ps-0001-today.txt"]

    play(tmp_path, story)


def test_an_old_name_that_is_written_over_counts_as_new(tmp_path: Path) -> None:
    (tmp_path / "export.txt").write_text("something else entirely, and longer\n" * 3)

    async def story(driver: Any, clock: Clock) -> None:
        async def person(sheet: Path) -> None:
            (tmp_path / "export.txt").write_bytes(exported())

        _, spectrum = await taken(driver, clock, person)
        assert len(spectrum) == len(HZ)

    play(tmp_path, story)


def test_plans_are_numbered_on_and_one_that_was_never_begun_is_taken_back(tmp_path: Path) -> None:
    async def story(driver: Any, clock: Clock) -> None:
        first = await driver.measure(PLAN)
        with pytest.raises(UsageError, match="under way"):
            await driver.measure(PLAN)
        await first.abort()
        assert (first.state, first.asked) == (MeasurementState.ABORTED, None)
        assert [path.name for path in tmp_path.iterdir()] == ["labctl-ps-0001.withdrawn.plan.txt"]
        second = await driver.measure(PLAN)
        assert Path(second.asked.sheet).name == "labctl-ps-0002.plan.txt"

    play(tmp_path, story)


def test_an_export_that_never_comes_ends_in_an_unknown_cell_and_a_person_stays_asked(tmp_path: Path) -> None:
    async def story(driver: Any, clock: Clock) -> None:
        measurement = await driver.measure(PLAN)
        measurement.confirm("Ann")
        with pytest.raises(UnknownStateError, match="no export has come"):
            async for _ in measurement.blocks():
                pass
        assert measurement.asked.act is PersonAct.STOP
        for verb in (driver.cell_off, driver.open, lambda: driver.measure(PLAN)):
            with pytest.raises(UnknownStateError, match="nobody has confirmed"):
                await verb()
        measurement.confirm("Ann")
        assert measurement.asked is None
        await driver.cell_off()

    play(tmp_path, story, wait_max_s=100.0)


def test_a_folder_that_is_gone_is_a_lost_link(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.mkdir()

    async def story(driver: Any, clock: Clock) -> None:
        measurement = await driver.measure(PLAN)
        measurement.confirm("Ann")
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
        with pytest.raises(UnknownStateError, match="folder of exports cannot be read"):
            async for _ in measurement.blocks():
                pass
        with pytest.raises(LinkClosed):
            await driver.read()
        measurement.confirm("Ann")
        with pytest.raises(LinkClosed):
            await driver.open()

    play(folder, story)


@pytest.mark.parametrize(
    ("technique", "words"),
    [
        (Ocv(1.0), "not offered"),
        (Peis(FrequencySweep(2e6, 1.0), 0.01), "2e+06 Hz is above 1e+06 Hz"),
        (Peis(FrequencySweep(1e3, 1e-5), 0.01), "1e-05 Hz is below 0.001 Hz"),
        (Peis(FrequencySweep(1e3, 1.0), 2.0), "amplitude of 2 V rms is outside"),
        (Peis(FrequencySweep(1e3, 1.0), 0.01, 10.0), "beyond 10 V"),
        (Peis(FrequencySweep(1e3, 1.0), 0.01, settle_s=-1.0), "settling time"),
        (Peis(FrequencySweep(1e3, 1.0), 0.01, range_A=0.0), "range must be above 0"),
    ],
)
def test_what_the_class_cannot_do_is_refused_before_a_sheet_is_written(
    technique: Any, words: str, tmp_path: Path
) -> None:
    async def story(driver: Any, clock: Clock) -> None:
        assert words in driver.refusals(technique)[0]
        with pytest.raises(UsageError):
            await driver.measure(technique)
        assert list(tmp_path.iterdir()) == []

    play(tmp_path, story)


def test_a_confirmation_needs_a_name_and_something_asked(tmp_path: Path) -> None:
    async def story(driver: Any, clock: Clock) -> None:
        measurement = await driver.measure(PLAN)
        with pytest.raises(UsageError, match="needs a name"):
            measurement.confirm(" ")
        measurement.confirm("Ann")
        with pytest.raises(UsageError, match="nothing is asked"):
            measurement.confirm("Ann")
        reading = await driver.read()
        assert reading.cell_on is None
        assert driver.capabilities().attended

    play(tmp_path, story, abort_wait_s=0.5)


@pytest.mark.parametrize(
    "resource", ["tcp://10.0.0.1:5", "file://server/share?x=1", "/srv/exports", "mem://ps"]
)
def test_a_resource_must_be_a_folder(resource: str) -> None:
    with pytest.raises(UserInputError, match="folder"):
        folder_of("ps", resource)


def test_unknown_and_wrong_options_are_told_with_what_is_right(tmp_path: Path) -> None:
    for options, words in (
        ({"pol_s": 1}, "did you mean poll_s"),
        ({"poll_s": -1}, "must be a number above 0"),
        ({"eis_max_Hz": "1 MHz"}, "must be a number above 0"),
        ({"model": True}, "must be text"),
    ):
        with pytest.raises(UserInputError, match=words):
            create("ps", tmp_path.as_uri(), options, None, lambda resource: None)  # type: ignore[arg-type, return-value]


def test_quantities_are_written_as_people_read_them() -> None:
    told = [with_unit(value, "Hz") for value in (1e6, 1e5, 123.4, 0.1, 1e-3, 2e-6)]
    assert told == ["1 MHz", "100 kHz", "123.4 Hz", "100 mHz", "1 mHz", "2 uHz"]
    assert (with_unit(0.0, "V"), with_unit(-0.05, "V"), with_unit(4e-9, "A")) == ("0 V", "-50 mV", "4 nA")


def test_a_format_that_stands_in_the_group_and_is_ours_is_listed_once() -> None:
    assert len(formats()) == len({one.name for one in formats()})
    assert set(OURS) <= set(formats())
