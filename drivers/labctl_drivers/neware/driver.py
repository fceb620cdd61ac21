"""The Neware cycler as labctl sees it: translates between ``labctl.interfaces.cycler`` and the BTS API.

Thin on purpose: no retries, no limits, no schedules. Two lanes (``lane``), one worker thread for step files. Silence
policy: the device goes on to its own limits and end and keeps the data; this driver then neither starts nor stops
anything by itself (safety-and-faults section 3).
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from labctl.clock import Clock
from labctl.errors import InstrumentError, LinkTimeout, RefusedError, UnknownStateError, UsageError, WireError
from labctl.interfaces.cycler import (
    OVER,
    STARTABLE,
    ChannelState,
    CyclerCapabilities,
    DeviceEvent,
    DeviceProgram,
    LiveReading,
    Place,
    TestProgress,
)
from labctl.model.ids import TestId
from labctl.model.program import Limits, RecordRule, Segment
from labctl.model.record import DEVICE_COLUMNS, DeviceBlock
from labctl.transport.base import Transport
from labctl.worker import Worker
from labctl_drivers.neware import messages as m
from labctl_drivers.neware.explain import explain
from labctl_drivers.neware.lane import Lane
from labctl_drivers.neware.options import POLL_MIN_S, NewareOptions
from labctl_drivers.neware.plausible import mark_implausible
from labctl_drivers.neware.replies import expect, insist_on_ok, live_reading, refusal, up_to_gap
from labctl_drivers.neware.session import SEE_CLIENT_LOG
from labctl_drivers.neware.stepfile import StepFileHead, check_fits, write_step_file
from labctl_drivers.neware.stepstore import file_name, hash_of, name_from, path_on_bts, place_step_file
from labctl_drivers.neware.words import meaning_of, state_of

log = logging.getLogger(__name__)

NEW_TEST_WITHIN_S = 30.0
NEW_TEST_PAUSE_S = 1.0
"""Link time: how long and how often we ask for the new test id after an accepted start (4.5)."""

STOP_CONFIRMED_WITHIN_S = 5.0
STOP_PAUSE_S = 0.5
"""Link time: bound of "confirmed / not confirmed" (safety-and-faults section 5)."""

PAUSE_POLLS = 3
"""``pause`` is read back within so many polls, else it is not confirmed."""

_MACHINE = re.compile(r"devtype \d+, devid \d+")
_PLACE = re.compile(r"([1-9][0-9]{0,4})-([1-9][0-9]{0,4})")


class NewareCycler:
    """All channels of one middle machine (``devid``); implements ``labctl.interfaces.cycler.Cycler``."""

    explain = staticmethod(explain)

    def __init__(
        self,
        name: str,
        resource: str,
        options: NewareOptions,
        clock: Clock,
        connect: Callable[[str], Transport],
    ) -> None:
        self._name = name
        self._options = options
        self._clock = clock
        login = m.Connect(options.username, options.password)
        self._lane = Lane(name, connect(resource), clock, login, options.reply_timeout_s)
        self._stop_lane = Lane(f"{name} (stop lane)", connect(resource), clock, login, options.stop_timeout_s)
        self._worker = Worker(f"{name} step files", clock)
        self._starting = asyncio.Lock()
        self._places: tuple[Place, ...] = ()
        self._readings: dict[Place, tuple[float, LiveReading]] = {}
        self._fence: Callable[[], None] | None = None
        self._newest_clock: dict[Place, tuple[int, int, bytes]] = {}  # of the latest test only (I14)

    # ------------------------------------------------------------------------------------------- HasChannels

    @property
    def name(self) -> str:
        """Return the instrument's name in the station."""
        return self._name

    async def open(self) -> None:
        """Connect and log in on both lanes and read the channel list. Raises: LinkError, RefusedError."""
        await self._lane.open()
        await self._stop_lane.open()
        await self.places()

    async def close(self) -> None:
        """Drop both connections; channels go on."""
        await self._lane.close()
        await self._stop_lane.close()
        self._worker.close()

    async def identify(self) -> str:
        """Return client version, middle machine and channel count, as far as the server tells them."""
        info = await self._device_info()
        client = info.client_version or "BTS Client (version not told)"
        versions = f", controllers {'; '.join(info.controller_versions)}" if info.controller_versions else ""
        channels = len(self._places_of(info))
        machine = f"devtype {self._options.devtype}, devid {self._options.devid}"
        return f"Neware {client}, {machine}, {channels} channels{versions}"

    def same_device(self, known: str, now: str, place: Place | None = None) -> bool:
        """Compare devtype and devid alone: client version, controllers and channel count change with time."""
        machines = [_MACHINE.search(text) for text in (known, now)]
        if machines[0] is None or machines[1] is None or machines[0].group() != machines[1].group():
            return False
        return place is None or not self._places or place in self._places

    def fence(self, check: Callable[[], None]) -> None:
        """Ask ``check`` before each start, continue and goto, when nothing but the bytes is left to do."""
        self._fence = check

    async def places(self) -> tuple[Place, ...]:
        """Return the mapped channels of our middle machine. Raises: RefusedError when there is none."""
        self._places = self._places_of(await self._device_info())
        if not self._places:
            raise RefusedError(
                f"no channel of devid {self._options.devid}, devtype {self._options.devtype} is mapped; "
                "check options.devid and the device list of the BTS Client",
                instrument=self._name, operation="getdevinfo",
            )  # fmt: skip
        return self._places

    def capabilities(self, place: Place) -> CyclerCapabilities:
        """Return what the place's tester unit can do. Raises: UsageError when the station file does not say."""
        unit = self._address(place).subdevid
        profile = self._options.units.get(unit)
        if profile is None:
            raise UsageError(
                f'the model of unit {unit} is not known; write options.units: {{"{unit}": 5V10mA}} (or another model)',
                instrument=self._name, operation="capabilities",
            )  # fmt: skip
        return profile.capabilities()

    async def _device_info(self) -> m.DeviceInfoReply:
        return expect(m.DeviceInfoReply, await self._lane.ask(m.GetDeviceInfo()))

    def _places_of(self, info: m.DeviceInfoReply) -> tuple[Place, ...]:
        options = self._options
        found = [
            channel.address
            for channel in info.channels
            if (channel.address.devid, channel.address.devtype) == (options.devid, options.devtype)
        ]
        found.sort(key=lambda address: (address.subdevid, address.chlid))
        return tuple(address.place for address in found)

    def _address(self, place: Place) -> m.Address:
        match = _PLACE.fullmatch(place)
        if match is None:
            raise UsageError(
                f"{place!r} is no channel; write unit-channel, for example 1-3", instrument=self._name
            )
        return m.Address(
            int(match.group(1)),
            int(match.group(2)),
            self._options.devid,
            self._options.devtype,
            self._options.ip,
        )

    # --------------------------------------------------------------------------------------------- ReadsLive

    async def live(self, places: Sequence[Place]) -> tuple[LiveReading, ...]:
        """Read state and coarse values. A place asked twice within 5 s of plant time gets the reading of then.

        Reason: the server's values are no fresher than that, and many askers must not add up to a flood (1.3).
        Our own commands to a place discard its reading.
        """
        now_s = self._clock.plant.now_s()
        due = [place for place in dict.fromkeys(places) if not self._is_fresh(place, now_s)]
        if due:
            request = m.Inquire(tuple(self._address(place) for place in due))
            reply = expect(m.InquireReply, await self._lane.ask(request))
            for place, row in zip(due, reply.rows, strict=True):
                self._readings[place] = (now_s, live_reading(place, row))
        return tuple(self._readings[place][1] for place in places)

    def _is_fresh(self, place: Place, now_s: float) -> bool:
        known = self._readings.get(place)
        return known is not None and 0.0 <= now_s - known[0] < POLL_MIN_S

    async def progress(self, places: Sequence[Place]) -> tuple[TestProgress, ...]:
        """Read latest test id and record count of each place, in one exchange."""
        if not places:
            return ()
        request = m.InquireDf(tuple(self._address(place) for place in places))
        reply = expect(m.ProgressReply, await self._lane.ask(request))
        return tuple(
            TestProgress(place, TestId(row.test_id), row.count, row.complete)
            for place, row in zip(places, reply.rows, strict=True)
        )

    async def _states(self, places: Sequence[Place]) -> tuple[ChannelState, ...]:
        """Read fresh states; rows belong to requests by position (1.4)."""
        request = m.GetChannelStatus(tuple(self._address(place) for place in places))
        reply = expect(m.StatusReply, await self._lane.ask(request))
        return tuple(state_of(row.word) for row in reply.rows)

    # ------------------------------------------------------------------------------------------ ReadsRecords

    async def records(
        self, place: Place, test_id: TestId, after_sequence: int, up_to: int | None = None
    ) -> DeviceBlock:
        """Fetch one page, at most 1000 rows, gap-free in itself; empty when there is none.

        It ends before a gap; it begins behind one only when the device has nothing between ``after_sequence`` and
        its first row. Raises: WireError for an overlap or rows of another test; UsageError for test 0.
        """
        if test_id <= 0 or after_sequence < 0:
            raise UsageError(f"records of test {test_id} after {after_sequence}", instrument=self._name)
        count = m.ROWS_PER_DOWNLOAD if up_to is None else min(m.ROWS_PER_DOWNLOAD, up_to - after_sequence)
        if count <= 0:
            return DeviceBlock.empty(DEVICE_COLUMNS)
        request = m.Download(self._address(place), test_id, after_sequence + 1, count)
        reply = expect(m.DownloadReply, await self._lane.ask(request))
        profile = self._options.units.get(request.address.subdevid)
        block = up_to_gap(reply.block)
        if profile is not None:
            block = mark_implausible(block, profile)
        self._watch_clock(place, test_id, block)
        return block

    def _watch_clock(self, place: Place, test_id: TestId, block: DeviceBlock) -> None:
        """Warn when the server's wall clock went back; rows stay in the order of their numbers (1.4, F15)."""
        known_test, last_sequence, newest = self._newest_clock.get(place, (test_id, 0, b""))
        if known_test != test_id:
            last_sequence, newest = 0, b""
        fresh = block.rows(
            int((block["device_sequence"] <= last_sequence).sum())
        )  # the rest was asked for again
        clock = fresh["device_clock"]
        if not len(clock):
            return
        if bool((clock[1:] < clock[:-1]).any()) or bytes(clock[0]) < newest:
            log.warning(
                "instrument=%s place=%s test=%d server clock went back near record %d; order kept by record number",
                self._name, place, test_id, int(fresh["device_sequence"][0]),
            )  # fmt: skip
        self._newest_clock[place] = (test_id, int(fresh["device_sequence"][-1]), bytes(clock[-1]))

    async def events(self, place: Place, test_id: TestId) -> tuple[DeviceEvent, ...]:
        """Fetch the test's log (test-level events only; at most 5000 lines)."""
        request = m.DownloadLog(self._address(place), test_id)
        reply = expect(m.LogReply, await self._lane.ask(request))
        return tuple(
            DeviceEvent(row.sequence, row.code, meaning_of(row.code), row.clock) for row in reply.rows
        )

    # ------------------------------------------------------------------------------------------- RunsProgram

    async def load(
        self, place: Place, segment: Segment, *, label: str, record: RecordRule, limits: Limits,
        nominal_capacity_Ah: float | None = None, active_mass_mg: float | None = None,
    ) -> DeviceProgram:  # fmt: skip
        """Write the segment as a step file where the BTS PC reads it, read it back and hash it.

        Temperature limits are the host's unless ``options.aux_temperature`` says that the unit has thermometers.
        Raises: UsageError when the channel cannot run the segment or the folder cannot be written.
        """
        options = self._options
        file_name(label)
        device_limits = limits if options.aux_temperature else replace(limits, temperature_max_degC=None)
        check_fits(segment.body, device_limits, self.capabilities(place))
        head = StepFileHead(
            remark=label,
            date=self._clock.plant.utc().strftime("%Y%m%d%H%M%S"),
            client_version=options.client_version,
            nominal_capacity_Ah=nominal_capacity_Ah,
            active_mass_mg=active_mass_mg,
        )
        file = write_step_file(segment.body, record, device_limits, head)
        name, sha256 = await self._worker.call(place_step_file, options.step_folder, label, file.data)
        reference = path_on_bts(options.step_folder_on_bts, name)
        return DeviceProgram(reference, sha256, file.step_ids, file.data.decode())

    async def start(self, place: Place, program: DeviceProgram, *, barcode: str) -> TestId:
        """Start once and return the new test's id.

        Refuses on working, pause, unknown words, an unreadable status, or a step file that changed since ``load``.
        Raises: RefusedError, UnknownStateError (accepted, but no new test was seen), LinkError (unknown: read
        ``progress`` back before anything else, I09).
        """
        async with self._starting:
            name = name_from(program.reference)
            if await self._worker.call(hash_of, self._options.step_folder, name) != program.sha256:
                raise UnknownStateError(
                    f"step file {name} changed since it was loaded", instrument=self._name
                )
            (state,) = await self._states([place])
            if state not in STARTABLE:
                raise RefusedError(
                    f"channel {place} is {state.value}: not startable",
                    instrument=self._name,
                    operation="start",
                )
            (before,) = await self.progress([place])
            backup = m.Backup(self._options.backup_folder) if self._options.backup_folder else None
            item = m.StartItem(self._address(place), program.reference, barcode)
            self._readings.pop(place, None)
            await self._command(m.Start((item,), backup), self._fence)
            return await self._new_test(place, before.test_id)

    async def _new_test(self, place: Place, before: TestId) -> TestId:
        """Ask for the test id until it is a new one (4.5)."""
        deadline_s = self._clock.link.now_s() + NEW_TEST_WITHIN_S
        while True:
            (after,) = await self.progress([place])
            if after.test_id not in (before, 0):
                return after.test_id
            if self._clock.link.now_s() >= deadline_s:
                raise UnknownStateError(
                    f"start of {place} was accepted, but test {before} is still the latest after "
                    f"{NEW_TEST_WITHIN_S:g} s; {SEE_CLIENT_LOG}",
                    instrument=self._name, operation="start",
                )  # fmt: skip
            await self._clock.link.sleep(NEW_TEST_PAUSE_S)

    async def stop(self, place: Place) -> None:
        """Stop over the stop lane and read back within 5 s.

        Raises: RefusedError (nothing runs there), UnknownStateError (sent and accepted, but not seen stopped),
        LinkError (fate unknown).
        """
        (problem,) = await self.send_stop([place])
        if problem is None:
            (problem,) = await self.confirm_stop([place])
        if problem is not None:
            raise problem

    async def send_stop(self, places: Sequence[Place]) -> tuple[InstrumentError | None, ...]:
        """Stop all of these channels with one message over the stop lane; nothing is read back yet.

        Returns: per place None where it was accepted, RefusedError where nothing runs. Raises: LinkError, WireError
        (fate of all unknown), RefusedError (the whole message was refused).
        """
        for place in places:
            self._readings.pop(place, None)
        request = m.Stop(tuple(self._address(place) for place in places))
        reply, resent = await self._stop_lane.ask_stop(request)
        rows = expect(m.AcknowledgeReply, reply).rows
        # A second sending after a lost connection is answered "false" when the first one worked.
        return tuple(
            None if resent else refusal(self._name, request.command, place, row)
            for place, row in zip(places, rows, strict=True)
        )

    async def confirm_stop(self, places: Sequence[Place]) -> tuple[InstrumentError | None, ...]:
        """Read back, within 5 s, what ``send_stop`` has stopped.

        Returns: per place None where it stands, UnknownStateError where it is not seen to. Raises: LinkError.
        """
        moving = await self._moving_after_stop(places, STOP_CONFIRMED_WITHIN_S)
        return tuple(
            UnknownStateError(
                f"stop of {place} was accepted, but it reads {moving[place].value}: switch it off by hand",
                instrument=self._name, operation="stop",
            ) if place in moving else None
            for place in places
        )  # fmt: skip

    async def stop_all(self) -> None:
        """Stop every channel over the stop lane: broadcaststop, read back, then stop what still moves.

        Raises: UnknownStateError naming the channels that are not confirmed as stopped; LinkError.
        """
        self._readings.clear()
        options = self._options
        patience_s = STOP_CONFIRMED_WITHIN_S / 2
        try:
            await self._stop_lane.ask_stop(m.BroadcastStop(options.devid, options.devtype, options.ip))
        except (RefusedError, WireError) as error:
            # Its reply shape is not known (open point 2): the read-back decides, not the answer.
            log.warning("instrument=%s broadcaststop was answered strangely: %s", self._name, error)
            patience_s = 0.0
        moving = await self._moving_after_stop(self._places, patience_s)
        if moving:
            await self._stop_lane.ask_stop(m.Stop(tuple(self._address(place) for place in moving)))
            moving = await self._moving_after_stop(tuple(moving), STOP_CONFIRMED_WITHIN_S / 2)
        if moving:
            raise UnknownStateError(
                f"not confirmed as stopped: {', '.join(moving)}; switch them off by hand",
                instrument=self._name, operation="stop_all",
            )  # fmt: skip

    async def _moving_after_stop(self, places: Sequence[Place], within_s: float) -> dict[Place, ChannelState]:
        """Read states until all are known to stand, or the time is over; return the others.

        Running, paused, unknown and "no information" are all not confirmed (P2).
        """
        deadline_s = self._clock.link.now_s() + within_s
        while True:
            try:
                async with self._clock.link.timeout(max(STOP_CONFIRMED_WITHIN_S, within_s)):
                    states = await self._states(places)
            except TimeoutError as error:
                raise LinkTimeout(
                    "the stop was sent and answered, but the state cannot be read back",
                    instrument=self._name, operation="stop",
                ) from error  # fmt: skip
            moving = {
                place: state for place, state in zip(places, states, strict=True) if state not in STARTABLE
            }
            if not moving or self._clock.link.now_s() >= deadline_s:
                return moving
            await self._clock.link.sleep(STOP_PAUSE_S)

    # ------------------------------------------------------------------------------ Pauses, ClearsProtection

    async def pause(self, place: Place) -> None:
        """Hold the test now (``setpause`` with -1) and see ``pause`` within three polls of 5 s plant time.

        Raises: RefusedError, UnknownStateError (not confirmed), LinkError.
        """
        self._readings.pop(place, None)
        await self._command(m.SetPause((self._address(place),)))
        for poll in range(PAUSE_POLLS):
            (state,) = await self._states([place])
            if state is ChannelState.PAUSED:
                return
            if state in OVER:
                raise RefusedError(
                    f"channel {place} is {state.value}: nothing to pause", instrument=self._name
                )
            if poll < PAUSE_POLLS - 1:
                await self._clock.plant.sleep(POLL_MIN_S)
        raise UnknownStateError(
            f"pause of {place} is not confirmed", instrument=self._name, operation="pause"
        )

    async def pause_at(self, place: Place, device_step: int) -> None:
        """Reserve a pause for the next time that a step begins (``setpause`` with cycleid -1; 2.10, B).

        The place of the pause, before the step and not behind it, is our reading of the table (C): the simulator does
        so, a real client must be tried. Raises: RefusedError where no test runs, LinkError.
        """
        (state,) = await self._states([place])
        if state is not ChannelState.RUNNING:
            raise RefusedError(f"channel {place} is {state.value}: nothing to pause", instrument=self._name)
        await self._command(m.SetPause((self._address(place),), cycle=-1, step=device_step))

    async def skip_to(self, place: Place, device_step: int) -> None:
        """Jump to a step of the running test (``goto``; 2.10: request A, reply C) and see it within three polls.

        Raises: RefusedError, UnknownStateError (not seen there), LinkError.
        """
        (state,) = await self._states([place])
        if state is not ChannelState.RUNNING:
            raise RefusedError(f"channel {place} is {state.value}: no step to skip", instrument=self._name)
        self._readings.pop(place, None)
        await self._command(m.Goto((self._address(place),), device_step), self._fence)
        for poll in range(PAUSE_POLLS):
            self._readings.pop(place, None)
            (live,) = await self.live([place])
            if live.state is ChannelState.RUNNING and live.device_step == device_step:
                return
            if poll < PAUSE_POLLS - 1:
                await self._clock.plant.sleep(POLL_MIN_S)
        raise UnknownStateError(
            f"goto step {device_step} of {place} was accepted, but it is not seen in that step",
            instrument=self._name, operation="goto",
        )  # fmt: skip

    async def resume(self, place: Place) -> None:
        """Go on after a pause; sent once and only to a channel that reads ``pause``. Raises as ``start``."""
        (state,) = await self._states([place])
        if state is not ChannelState.PAUSED:
            raise RefusedError(f"channel {place} is {state.value}, not paused", instrument=self._name)
        self._readings.pop(place, None)
        await self._command(m.Continue((self._address(place),)), self._fence)
        (state,) = await self._states([place])
        if state is ChannelState.PAUSED or state is ChannelState.UNKNOWN:
            raise UnknownStateError(
                f"continue of {place} was accepted, but it reads {state.value}",
                instrument=self._name, operation="continue",
            )  # fmt: skip

    async def clear_protection(self, place: Place) -> None:
        """Clear the alarm flag. Raises: RefusedError when there is none (that is how the server answers)."""
        await self._command(m.ClearFlag((self._address(place),)))

    async def _command(self, request: m.ListRequest, check: Callable[[], None] | None = None) -> None:
        """Send a write command for one channel over the normal lane and insist on ``ok``."""
        insist_on_ok(self._name, request, await self._lane.ask(request, check))
