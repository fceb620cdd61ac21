"""A 273A in SI units and labctl's signs: what its words mean, one method each. No schedule, no limit, no retry."""

from __future__ import annotations

from labctl.errors import UnknownStateError, WireError
from labctl_drivers.par273a.codec import MV_PER_V, anodic_A, mV_of, seti_operands
from labctl_drivers.par273a.messages import Mode, Overload
from labctl_drivers.par273a.models import LEAK_A, LEAK_OF_RANGE, RANGE_CODES, range_A
from labctl_drivers.par273a.parlink import ParLink

CELL_OFF = "CELL 0"


class Par273A:
    """One instrument on a link. Every method raises ParRefusal, LinkError and WireError."""

    def __init__(self, link: ParLink, delimiter: int) -> None:
        self.link = link
        self._delimiter = delimiter

    async def prepare(self) -> tuple[int, int]:
        """Restore the defaults, fix how numbers are told; return model number and firmware.

        Settings survive power-off (2.4.1): somebody's positive feedback, filter, bias or suppression would be ours.
        """
        await self.link.tell("DCL")
        await self.link.tell(f"DD {self._delimiter}")
        (model,) = await self.link.ask("ID")
        (firmware,) = await self.link.ask("VER")
        return model, firmware

    async def cell(self, on: bool) -> None:
        """Switch the cell relay, without a read-back."""
        await self.link.tell("CELL 1" if on else CELL_OFF)

    async def cell_is_on(self) -> bool:
        """Tell what the instrument says of its cell relay."""
        return await self._flag("CELL")

    async def cell_enabled(self) -> bool:
        """Tell how the switch CELL ENABLE on the front panel stands; off, it overrides the relay."""
        return await self._flag("CS")

    async def confirm_off(self) -> None:
        """Read the cell relay back, and that no current flows. Raises UnknownStateError.

        The relay's word is what it was told; only the current shows contacts that are welded.
        """
        if await self.cell_is_on():
            raise UnknownStateError("the instrument says that the cell is still on")
        full_A = await self.range_A()
        i_A = await self.read_current()
        if abs(i_A) > LEAK_OF_RANGE * full_A + LEAK_A:
            raise UnknownStateError(
                f"the cell relay says off, and {i_A:g} A flow: its contacts may be welded"
            )

    async def potentiostat(self, e_V: float) -> None:
        """Set the mode, then the potential: ``SETE`` is refused in galvanostat mode."""
        await self.link.tell(f"MODE {Mode.POTENTIOSTAT.value}")
        await self.set_potential(e_V)

    async def galvanostat(self, i_A: float) -> None:
        """Set the mode, then the current, anodic positive."""
        await self.link.tell(f"MODE {Mode.GALVANOSTAT.value}")
        await self.set_current(i_A)

    async def set_potential(self, e_V: float) -> None:
        """Set the potential of the working against the reference electrode, in whole millivolts."""
        await self.link.tell(f"SETE {mV_of(e_V)}")

    async def set_current(self, i_A: float) -> None:
        """Set the current, anodic positive, with four digits."""
        mantissa, exponent = seti_operands(i_A)
        await self.link.tell(f"SETI {mantissa} {exponent}")

    async def read_potential(self) -> float:
        """Return the potential in V, a multiple of 1 mV, the mean of ten samples."""
        (e_mV,) = await self.link.ask("READE")
        return e_mV / MV_PER_V

    async def read_current(self) -> float:
        """Return the current in A, anodic positive, the mean of ten samples. May change the range."""
        mantissa, exponent = await self.link.ask("READI", 2)
        return anodic_A(mantissa, exponent)

    async def overload(self) -> Overload:
        """Return what is overloaded now or was since this was asked last."""
        now, since, _ = await self.link.ask("OVER", 3)
        return Overload((now | since) & 7)

    async def set_range(self, code: int) -> None:
        """Set the current range by its code, 0 for 1 A to -7 for 100 nA."""
        await self.link.tell(f"I/E {code}")

    async def range_code(self) -> int:
        """Return the code of the current range. Raises WireError for one that does not exist."""
        (code,) = await self.link.ask("I/E")
        if code not in RANGE_CODES:
            raise WireError(f"no current range: {code}", rule="2.4.3: I/E")
        return code

    async def range_A(self) -> float:
        """Return the full scale of the current range."""
        return range_A(await self.range_code())

    async def auto_range(self, on: bool) -> None:
        """Let the instrument choose its current range, or keep it."""
        await self.link.tell(f"AR {int(on)}")

    async def external_input(self, on: bool) -> None:
        """Add what comes at EXT INPUT to the set point: 1 V per V, or full-scale current per V."""
        await self.link.tell(f"EXT {int(on)}")

    async def _flag(self, command: str) -> bool:
        (value,) = await self.link.ask(command)
        if value not in (0, 1):
            raise WireError(f"neither 0 nor 1: {value}", rule=f"2.4.3: {command}")
        return bool(value)
