"""A DSP lock-in amplifier of the 72xx family: OSC OUT to EXT INPUT, I MONITOR to A, E MONITOR to B.

It has one channel, so I and E are read one after the other with the same settings but sensitivity; what its own path
adds in phase cancels in the ratio (potentiostat.md 2.4.6). Its filter has settled when two readings a time constant
apart agree.
"""

from __future__ import annotations

import logging
from typing import Protocol

from labctl.clock import Clock
from labctl.errors import LinkTimeout, RefusedError, WireError
from labctl.transport.base import Transport
from labctl_drivers.par273a.analyser import Wait
from labctl_drivers.par273a.bus import Bus
from labctl_drivers.par273a.codec import lockin_number, read_floats, read_line
from labctl_drivers.par273a.messages import AcReading, LockinStatus
from labctl_drivers.par273a.models import (
    LIMITS,
    SENSITIVITIES_V,
    SETTLE_TCS,
    SETTLE_TCS_MAX,
    SETTLED_WITHIN,
    TIME_CONSTANTS_S,
    AnalyserKind,
    sensitivity_for,
    time_constant_for,
)

log = logging.getLogger(__name__)

POLL_S = 0.01
POLLS_AT_ONCE = 3
TCS_USUAL = 7
"""Time constants until a channel has usually settled."""

DECADE_STEPS = 3
"""So many steps of ``SEN`` are a factor of ten."""

READ_A, READ_B = ("VMODE", 1), ("VMODE", 2)
NUL, CR = b"\0", b"\r"
SETTINGS = (
    "DD 44",
    "OA. 0",
    "IMODE 0",
    "REFN 1",
    "REFP. 0",
    "SLOPE 1",
    "VMODE 1",
    f"SEN {len(SENSITIVITIES_V)}",
)


class LockinLink(Protocol):
    """Talks to one lock-in amplifier."""

    async def open(self) -> None: ...
    async def close(self) -> None: ...
    async def say(self, command: str, *, replies: bool) -> tuple[str, LockinStatus]:
        """Give a command; return its reply, empty where there is none, and the status byte after it."""


class GpibLockinLink:
    """A lock-in behind a box, polled as a 273A is; ``own``: the box is not the 273A's."""

    def __init__(self, bus: Bus, address: int, *, own: bool = False) -> None:
        self._bus = bus
        self._address = address
        self._own = own

    async def open(self) -> None:
        """Connect the box where it is another one; read away what the lock-in still has to say. Raises LinkError."""
        if self._own:
            await self._bus.open()
        while LockinStatus.OUTPUT in LockinStatus(await self._bus.poll(self._address)):
            await self._bus.read(self._address, lambda data: data or None, self._bus.reply_timeout_s)

    async def close(self) -> None:
        """Disconnect the box where it is not the 273A's."""
        if self._own:
            await self._bus.close()

    async def say(self, command: str, *, replies: bool) -> tuple[str, LockinStatus]:
        """Give a command and wait for its end. Raises LinkError, WireError."""
        await self._until(LockinStatus.DONE, command)
        await self._bus.write(self._address, command.encode("ascii") + b"\r\n")
        status = await self._until(LockinStatus.OUTPUT if replies else LockinStatus.DONE, command)
        text = ""
        if LockinStatus.OUTPUT in status:
            text = await self._bus.read(self._address, read_line, self._bus.reply_timeout_s)
        return text, status

    async def _until(self, wanted: LockinStatus, command: str) -> LockinStatus:
        clock = self._bus.clock
        deadline_s = clock.link.now_s() + self._bus.reply_timeout_s
        polls = 0
        while True:
            status = LockinStatus(await self._bus.poll(self._address))
            polls += 1
            failed = status & (LockinStatus.INVALID | LockinStatus.PARAMETER) and LockinStatus.DONE in status
            if wanted in status or failed:
                return status
            if clock.link.now_s() >= deadline_s:
                raise LinkTimeout(f"lock-in not ready for {command}", elapsed_s=self._bus.reply_timeout_s)
            if polls >= POLLS_AT_ONCE:
                await clock.plant.sleep(POLL_S)


class EthernetLockinLink:
    """A 7270 or 7230 on its own connection: commands and answers end in NUL.

    Port 50000 sends two bytes behind each NUL, status and overload. On 50001 the status is asked for with ``ST``, and a
    7230 ends its answers with CR (2.4.6).
    """

    def __init__(
        self, pipe: Transport, clock: Clock, reply_timeout_s: float, *, end: bytes, tells_status: bool
    ) -> None:
        self._pipe = pipe
        self._clock = clock
        self._reply_timeout_s = reply_timeout_s
        self._end = end
        self._tail = 2 if tells_status else 0

    async def open(self) -> None:
        """Connect. Raises LinkError."""
        await self._pipe.open()

    async def close(self) -> None:
        """Disconnect."""
        await self._pipe.close()

    async def say(self, command: str, *, replies: bool) -> tuple[str, LockinStatus]:
        """Give a command and return what came before the NUL. Raises LinkError, WireError."""
        text, status = await self._exchange(command)
        if not self._tail:
            told, _ = await self._exchange("ST")
            if not told.isdigit():
                raise WireError(f"no status: {told!r}", data=told.encode(), rule="2.4.6: ST")
            status = LockinStatus(int(told) & 0xFF)
        return text, status

    async def _exchange(self, command: str) -> tuple[str, LockinStatus]:
        with self._clock.busy():
            while self._pipe.has_unread:
                await self._pipe.listen(0.0)
            await self._pipe.write(command.encode("ascii") + NUL, self._reply_timeout_s)
            deadline_s = self._clock.link.now_s() + self._reply_timeout_s
            come = b""
            while (at := come.find(self._end)) < 0 or len(come) < at + 1 + self._tail:
                left_s = deadline_s - self._clock.link.now_s()
                if left_s <= 0:
                    await self._pipe.close()
                    raise LinkTimeout(f"no answer to {command}", elapsed_s=self._reply_timeout_s)
                come += await self._pipe.listen(left_s)
        text = come[:at].decode("ascii", "replace").strip()
        return text, LockinStatus(come[at + 1] if self._tail else 0)


class Lockin:
    """Implements ``Analyser``."""

    limits = LIMITS[AnalyserKind.LOCKIN]

    def __init__(self, link: LockinLink, model: str, b_sign: int, readings: int = 1) -> None:
        self._link = link
        self._readings = readings
        self._asked_model = model
        self._model = model
        self._b_sign = b_sign
        self._sensitivity = {READ_A: len(SENSITIVITIES_V), READ_B: len(SENSITIVITIES_V)}
        self._set_to: dict[str, str] = {}

    async def open(self) -> str:
        """Connect, silence the oscillator, set up. Raises RefusedError for a model without known time constants."""
        await self._link.open()
        await self._tell("OA. 0")
        told, _ = await self._link.say("ID", replies=True)
        self._model = self._asked_model or told
        if self._model not in TIME_CONSTANTS_S:
            raise RefusedError(
                f"no time constants are known of a lock-in {told!r}: option analyser_model says whose it has",
                vendor_text=told,
            )
        firmware, _ = await self._link.say("VER", replies=True)
        for command in SETTINGS:
            await self._tell(command)
        return f"lock-in {told} firmware {firmware}"

    async def close(self) -> None:
        """Disconnect."""
        await self._link.close()

    async def quiet(self) -> None:
        """Set the oscillator to 0 V."""
        await self._tell("OA. 0")

    async def excite(self, frequency_Hz: float, amplitude_V: float) -> None:
        """Let the oscillator make a sine of so many volts rms."""
        self._set_to.clear()  # between two measurements somebody may have turned a knob
        await self._tell(f"OF. {lockin_number(frequency_Hz)}")
        await self._tell(f"OA. {lockin_number(amplitude_V)}")
        self._sensitivity = {READ_A: len(SENSITIVITIES_V), READ_B: sensitivity_for(amplitude_V)}

    async def measure(self, frequency_Hz: float, wait: Wait) -> AcReading:
        """Read I MONITOR, then E MONITOR, each once its filter has settled."""
        place, tc_s = time_constant_for(frequency_Hz, self._model)
        await self._tell(f"OF. {lockin_number(frequency_Hz)}")
        await self._set("TC", place)
        monitor, high_i = await self._read(READ_A, tc_s, wait)
        potential, high_e = await self._read(READ_B, tc_s, wait)
        ratio = self._b_sign * potential / monitor if monitor else complex("nan")
        return AcReading(frequency_Hz, ratio, abs(potential), abs(monitor), high_i or high_e)

    def seconds(self, frequency_Hz: float) -> float:
        """Return the plant seconds that a point usually takes."""
        per_channel = TCS_USUAL + self._readings - 1
        return 2 * per_channel * time_constant_for(frequency_Hz, self._model)[1]

    async def _read(self, channel: tuple[str, int], tc_s: float, wait: Wait) -> tuple[complex, bool]:
        """Return what a channel reads at a sensitivity that suits it, and whether even the least is overloaded."""
        await self._set(*channel)
        least = len(SENSITIVITIES_V)
        for _ in range(least):
            place = self._sensitivity[channel]
            await self._set("SEN", place)
            value, overloaded = await self._settled(tc_s, wait)
            better = sensitivity_for(abs(value))
            if overloaded and place < least:
                self._sensitivity[channel] = min(least, max(place + DECADE_STEPS, better))
                continue
            if not overloaded and better < place:
                self._sensitivity[channel] = better
                if place - better > DECADE_STEPS:
                    continue  # it fills less than a tenth: read again; less than that waits for the next point
            return value, overloaded
        raise WireError("no sensitivity suits", rule="2.4.6: SEN")

    async def _settled(self, tc_s: float, wait: Wait) -> tuple[complex, bool]:
        """Return the mean of the readings from then on when two, a time constant apart, agree, or all has settled."""
        await wait(SETTLE_TCS * tc_s)
        last, overloaded = await self._xy()
        for _ in range(SETTLE_TCS_MAX - SETTLE_TCS):
            await wait(tc_s)
            before, (last, overloaded) = last, await self._xy()
            if abs(last - before) <= SETTLED_WITHIN * abs(last):
                break
        total = last
        for _ in range(self._readings - 1):
            await wait(tc_s)
            value, over = await self._xy()
            total, overloaded = total + value, overloaded or over
        return total / self._readings, overloaded

    async def _xy(self) -> tuple[complex, bool]:
        text, status = await self._say("XY.", replies=True)
        x_V, y_V = read_floats(text, 2)
        return complex(x_V, y_V), bool(status & (LockinStatus.OVERLOAD | LockinStatus.INPUT_OVERLOAD))

    async def _set(self, word: str, value: int) -> None:
        """Give a setting, unless it stands like that already."""
        command = f"{word} {value}"
        if self._set_to.get(word) != command:
            await self._tell(command)
            self._set_to[word] = command

    async def _tell(self, command: str) -> None:
        await self._say(command, replies=False)

    async def _say(self, command: str, *, replies: bool) -> tuple[str, LockinStatus]:
        text, status = await self._link.say(command, replies=replies)
        if status & (LockinStatus.INVALID | LockinStatus.PARAMETER):
            raise RefusedError(f"the lock-in refused {command}", vendor_text=f"status {status.value}")
        return text, status
