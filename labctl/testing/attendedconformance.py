"""Examines drivers of attended potentiostats: a person begins and ends, labctl asks, waits, and never pretends.

What holds for every potentiostat is taken from ``potentiostatconformance``; its cases of links, streams and aborts do
not fit an instrument that labctl cannot reach. Their place is taken by what a person must be asked for::

    report = check_potentiostat(make, cases=ATTENDED)

The rig is an ``AttendedRig``: its ``act`` does what a person would.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from labctl.errors import InstrumentError, UnknownStateError, UsageError
from labctl.interfaces.potentiostat import AttendedMeasurement, Block, MeasurementState, PersonAct
from labctl.model.technique import Peis
from labctl.testing.potentiostatconformance import CASES, Case, Scene, insist
from labctl.testing.potentiostatrig import AttendedRig

ALONE_S = 30.0
"""Link seconds for which nobody answers, to see that nothing happens meanwhile."""


def _rig(scene: Scene) -> AttendedRig:
    insist(isinstance(scene.rig, AttendedRig), "the rig has no person")
    assert isinstance(scene.rig, AttendedRig)
    return scene.rig


async def _asked_for(scene: Scene) -> AttendedMeasurement:
    technique = Peis(scene.setup.sweep, scene.setup.amplitude_rms_V, settle_s=1.0)
    measurement = await scene.driver.measure(technique)
    insist(isinstance(measurement, AttendedMeasurement), "nobody can be asked for anything")
    assert isinstance(measurement, AttendedMeasurement)
    return measurement


def _act(scene: Scene, measurement: AttendedMeasurement, act: PersonAct) -> None:
    """Do and confirm what must be asked now."""
    asked = measurement.asked
    insist(asked is not None and asked.act is act, f"{asked} is asked, not {act.value}")
    assert asked is not None
    insist(bool(asked.text), "what is asked has no words")
    insist(_rig(scene).act(asked), f"the person could not do what is asked: {asked.text}")
    measurement.confirm("the examiner")


async def _collect(measurement: AttendedMeasurement, into: list[Block]) -> InstrumentError | None:
    try:
        async for block in measurement.blocks():
            into.append(block)
    except InstrumentError as error:
        return error
    return None


async def _both_ends(scene: Scene) -> None:
    measurement = await _asked_for(scene)
    got: list[Block] = []
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(_collect(measurement, got))
        await scene.clock.link.sleep(ALONE_S)
        insist(measurement.state is MeasurementState.ARMED, "it goes on although nobody has begun")
        insist(scene.rig.energisings() == 0, "the cell is driven before a person has begun")
        _act(scene, measurement, PersonAct.BEGIN)
        insist(measurement.state is MeasurementState.RUNNING, "a confirmed begin does not run")
        while measurement.asked is None:
            await scene.clock.plant.sleep(5.0)
        await scene.clock.link.sleep(ALONE_S)
        insist(not reading.done(), "it ends although nobody has confirmed the end")
        _act(scene, measurement, PersonAct.END)
        insist(await reading is None, "it ends with an error")
    insist(measurement.state is MeasurementState.DONE, f"it ends as {measurement.state.value}")
    insist(sum(len(block.flags) for block in got) == measurement.points_got > 0, "points are lost")
    insist(sum("the examiner" in note for note in measurement.head.notes) == 2, "who confirmed is not kept")
    try:
        measurement.confirm("the examiner")
    except UsageError:
        return
    insist(False, "what nobody asks can be confirmed")


async def _aborted(scene: Scene) -> None:
    measurement = await _asked_for(scene)
    _act(scene, measurement, PersonAct.BEGIN)
    async with asyncio.TaskGroup() as group:
        reading = group.create_task(_collect(measurement, []))
        aborting = group.create_task(measurement.abort())
        await scene.clock.link.sleep(1.0)
        insist(not aborting.done(), "an abort does not wait for the person")
        _act(scene, measurement, PersonAct.STOP)
        await aborting
        insist(await reading is None, "a confirmed abort ends with an error")
    insist(measurement.state is MeasurementState.ABORTED, f"it ends as {measurement.state.value}")
    insist(not scene.rig.cell_on(), "the cell is on after a confirmed abort")
    await measurement.abort()


async def _unconfirmed(scene: Scene) -> None:
    measurement = await _asked_for(scene)
    _act(scene, measurement, PersonAct.BEGIN)
    try:
        await measurement.abort()
    except UnknownStateError:
        pass
    else:
        insist(False, "the cell is said to be off although nobody has confirmed it")
    insist(measurement.state is MeasurementState.FAILED, f"it ends as {measurement.state.value}")
    _act(scene, measurement, PersonAct.STOP)
    insist(measurement.asked is None, "it goes on asking after the confirmation")
    insist(not scene.rig.cell_on(), "the cell is on after a confirmed stop")


_SHARED = (
    "it says what it is and can do, and opening energises nothing",
    "reading and switching off may be done at any time",
    "a spectrum of the dummy cell is its formula, Z'' signed, amplitude rms, points exact",
    "what the model cannot do is refused before anything is sent",
    "only one measurement runs at a time",
)

ATTENDED: Mapping[str, Case] = {
    **{name: CASES[name] for name in _SHARED},
    "nothing goes on before a person has begun, and nothing ends before one has confirmed": _both_ends,
    "an abort has a person stop it and waits for the word": _aborted,
    "an abort that nobody confirms leaves the cell unknown, and stays asked": _unconfirmed,
}
