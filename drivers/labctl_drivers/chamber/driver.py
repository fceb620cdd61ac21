"""A temperature chamber on Modbus: sets, reads back and compares; never writes by itself."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Sequence

from labctl.clock import Clock
from labctl.errors import InstrumentError, LinkTimeout, RefusedError, UnknownStateError, UsageError, WireError
from labctl.interfaces.chamber import ChamberReading, ChamberState, Quality
from labctl.interfaces.frames import FrameText
from labctl.interfaces.settled import SettledWatch
from labctl.transport.base import Transport
from labctl_drivers.chamber.explain import explain
from labctl_drivers.chamber.messages import (
    Framing,
    Function,
    ReadRegisters,
    Registers,
    Reply,
    Request,
    WriteMany,
    WriteOne,
)
from labctl_drivers.chamber.options import ChamberOptions, with_usual_baud
from labctl_drivers.chamber.session import Session
from labctl_drivers.chamber.table import Entry, Kind, RegisterTable, Span

log = logging.getLogger(__name__)

READS_MAX = 3
"""A garbled reply is asked for again twice (F05)."""

RTU_SILENCE_S = 0.005
"""3.5 characters at 9600 baud, rounded up: the silence that ends a frame before the next may begin."""


class ModbusChamber:
    """Implements ``labctl.interfaces.chamber.TemperatureChamber`` on a register map."""

    def __init__(
        self,
        name: str,
        resource: str,
        options: ChamberOptions,
        table: RegisterTable,
        clock: Clock,
        connect: Callable[[str], Transport],
    ) -> None:
        self._name = name
        self._options = options
        self._table = table
        self._clock = clock
        self._pipe = connect(with_usual_baud(resource))
        self._session = Session(options.framing, options.unit or table.unit)
        self._turn = asyncio.Lock()
        self._settled = SettledWatch()

    @property
    def name(self) -> str:
        """Return the name from the station file."""
        return self._name

    def explain(self, data: bytes, *, sent: bool) -> FrameText:
        """Say in one line what raw bytes are."""
        return explain(data, self._options.framing, sent=sent)

    async def open(self) -> None:
        """Connect and read once, so that a wrong unit or map shows now. Raises InstrumentError."""
        await self._pipe.open()
        self._settled.forget()
        await self.read()

    async def close(self) -> None:
        """Disconnect; the chamber keeps its set point."""
        await self._pipe.close()

    async def read(self) -> ChamberReading:
        """Read state, temperature and set point; asks again at most twice when a reply is garbled.

        A temperature that is not a number or not plausible is a BAD reading. Raises: InstrumentError when the
        chamber cannot be read; then nothing is known about it.
        """
        values = await self._read_with_retries()
        reading = self._judge(values)
        self._settled.note(self._clock.plant.now_s(), reading)
        return reading

    def at_setpoint(self, tolerance_K: float = 1.0, hold_s: float = 1800.0) -> bool:
        """Tell whether the readings of the last ``hold_s`` plant seconds lie within the tolerance."""
        return self._settled.held(tolerance_K, hold_s)

    async def set(self, temperature_degC: float, ramp_K_per_min: float | None = None) -> None:
        """Write ramp and set point, compare, switch on, compare.

        Raises: UsageError outside the chamber's range (nothing is sent); RefusedError when it is in alarm or
        says no; UnknownStateError when it holds something else than was written; LinkError: what it holds is
        unknown.
        """
        wanted = {"setpoint_degC": temperature_degC}
        if ramp_K_per_min is not None:
            if "ramp_K_per_min" not in self._table.holdings:
                raise UsageError("this chamber has no ramp", instrument=self._name, operation="set")
            wanted = {"ramp_K_per_min": ramp_K_per_min, **wanted}
        frames = [(self._table.holdings[name], self._encoded(name, value)) for name, value in wanted.items()]
        before = self._judge(await self._read_with_retries())
        if before.state is ChamberState.ALARM:
            raise RefusedError(
                f"it is in alarm ({before.alarm_text}); look at the chamber, then acknowledge by switching it off",
                vendor_text=before.alarm_text,
                instrument=self._name,
                operation="set",
            )
        self._settled.forget()
        for entry, words in frames:
            await self._write(entry, words)
        await self._compare(wanted, "set")
        await self._write(self._table.holdings["on"], self._encoded("on", 1))
        await self._compare({**wanted, "on": 1.0}, "set")

    async def off(self) -> None:
        """Switch off, which also acknowledges an alarm whose cause is gone, and compare.

        Raises: UnknownStateError when it still says on; InstrumentError.
        """
        self._settled.forget()
        await self._write(self._table.holdings["on"], self._encoded("on", 0))
        await self._compare({"on": 0.0}, "off")

    def _encoded(self, name: str, value: float) -> tuple[int, ...]:
        try:
            return self._table.holdings[name].encode(value)
        except UsageError as error:
            raise UsageError(error.problem, instrument=self._name, operation="set") from error

    async def _compare(self, wanted: dict[str, float], operation: str) -> None:
        """Read back what was written and compare with what the registers can hold of it (F42)."""
        held = await self._read_spans(self._table.holding_spans, Function.READ_HOLDING)
        for name, value in wanted.items():
            entry = self._table.holdings[name]
            if not math.isclose(held[name], entry.rounded(value), rel_tol=1e-9, abs_tol=1e-9):
                raise UnknownStateError(
                    f"{name} was written as {value:g} and reads back as {held[name]:g}",
                    instrument=self._name,
                    operation=operation,
                )

    def _judge(self, values: dict[str, float]) -> ChamberReading:
        state = self._table.states[int(values["state"])]
        alarm = int(values.get("alarm", 0))
        temperature_degC = values["temperature_degC"]
        detail = ""
        if not math.isfinite(temperature_degC):
            detail = "the sensor has failed"
        elif not self._table.plausible_low_degC <= temperature_degC <= self._table.plausible_high_degC:
            detail = f"{temperature_degC:g} degC is not plausible"
        return ChamberReading(
            temperature_degC=math.nan if detail else temperature_degC,
            quality=Quality.BAD if detail else Quality.GOOD,
            detail=detail,
            state=state,
            alarm=alarm,
            alarm_text=self._table.alarms.get(alarm, f"alarm code {alarm}") if alarm else "",
            setpoint_degC=values["setpoint_degC"],
            followed_degC=values.get("followed_degC", math.nan),
        )

    async def _read_with_retries(self) -> dict[str, float]:
        for attempt in range(1, READS_MAX + 1):
            try:
                return await self._read_all()
            except WireError as error:
                log.warning("garbled reply instrument=%s attempt=%d error=%s", self._name, attempt, error)
                if attempt == READS_MAX:
                    raise
                await self._pipe.open()
        raise AssertionError("the last attempt returns or raises")

    async def _read_all(self) -> dict[str, float]:
        values = await self._read_spans(self._table.input_spans, Function.READ_INPUT)
        values |= await self._read_spans(self._table.holding_spans, Function.READ_HOLDING)
        if int(values["state"]) not in self._table.states:
            raise WireError(
                f"state {values['state']:g} is not in the register map",
                rule="state code",
                instrument=self._name,
                operation="read",
            )
        return values

    async def _read_spans(self, spans: Sequence[Span], function: Function) -> dict[str, float]:
        values: dict[str, float] = {}
        for span in spans:
            reply = await self._exchange(ReadRegisters(function, span.address, span.count), "read")
            assert isinstance(reply, Registers)  # the session lets no other answer through
            values |= span.decode(reply.values)
        return values

    async def _write(self, entry: Entry, words: tuple[int, ...]) -> None:
        one = entry.kind is not Kind.F32
        request = WriteOne(entry.address, words[0]) if one else WriteMany(entry.address, words)
        await self._exchange(request, f"write {entry.name}")

    async def _exchange(self, request: Request, operation: str) -> Reply:
        """Ask and wait for the answer. Raises InstrumentError; after all but a refusal the link is closed."""
        async with self._turn:
            with self._clock.busy():
                try:
                    return await self._ask(request)
                except RefusedError as error:
                    raise RefusedError(
                        error.problem,
                        vendor_text=error.vendor_text,
                        instrument=self._name,
                        operation=operation,
                    ) from error
                except InstrumentError as error:
                    await self._abandon()
                    if not error.instrument or isinstance(error, WireError):
                        error.instrument, error.operation = self._name, operation
                    raise
                except asyncio.CancelledError:
                    # the answer may still come: it must not be taken for the next one
                    await self._abandon()
                    raise

    async def _ask(self, request: Request) -> Reply:
        timeout_s = self._options.reply_timeout_s
        deadline_s = self._clock.link.now_s() + timeout_s
        if self._options.framing is Framing.RTU:
            await self._clock.link.sleep(RTU_SILENCE_S)
        await self._pipe.write(self._session.request(request), timeout_s)
        while True:
            left_s = deadline_s - self._clock.link.now_s()
            if left_s <= 0:
                raise LinkTimeout("no answer to the question", elapsed_s=timeout_s)
            reply = self._session.feed(await self._pipe.read(left_s))
            if reply is not None:
                return reply

    async def _abandon(self) -> None:
        self._session.give_up()
        await self._pipe.close()
