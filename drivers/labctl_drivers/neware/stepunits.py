"""Numbers of BTS step files: exact decimal shifts, so that what is written reads back as the same float.

Voltage 0.1 mV, current mA (Scale 1), time ms, capacity mA s, temperature 0.1 degC, mass 0.001 mg.
Source: neware-bts.md sections 5.2, 5.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation

from labctl.errors import UsageError

_EXACT = Context(prec=60)
_MAX_EXPONENT = 30
"""Beyond this a number in a step file is nonsense, and its plain digits would fill pages."""


@dataclass(frozen=True, slots=True)
class FileUnit:
    """One quantity's factor: file value = SI value x ``per_SI``."""

    name: str
    per_SI: Decimal

    def text(self, value: float) -> str:
        """Write an SI value as a plain decimal, without exponent; below 1e-30 file units it is 0.

        Raises: UsageError for nan, inf and numbers beyond any instrument.
        """
        number = Decimal(repr(float(value)))
        if not number.is_finite():
            raise UsageError(f"{value} cannot be written into a step file")
        product = _EXACT.multiply(number, self.per_SI)
        if product and product.adjusted() > _MAX_EXPONENT:
            raise UsageError(f"{value} cannot be written into a step file")
        if product.adjusted() < -_MAX_EXPONENT:
            return "0"
        text = f"{product:f}"
        if "." in text:
            text = text.rstrip("0").rstrip(".")
        return "0" if text in ("-0", "") else text

    def value(self, text: str) -> float:
        """Read a file number as SI. Raises: ValueError for anything that is no finite decimal."""
        try:
            number = Decimal(text.strip())
        except InvalidOperation as error:
            raise ValueError(f"{text[:40]!r} is not a number") from error
        if not number.is_finite() or (number and abs(number.adjusted()) > _MAX_EXPONENT):
            raise ValueError(f"{text[:40]!r} is not a usable number")
        return float(_EXACT.divide(number, self.per_SI)) + 0.0


VOLTAGE = FileUnit("0.1 mV", Decimal(10_000))
CURRENT = FileUnit("mA", Decimal(1000))
TIME = FileUnit("ms", Decimal(1000))
CAPACITY = FileUnit("mA s", Decimal(3_600_000))
TEMPERATURE = FileUnit("0.1 degC", Decimal(10))
MASS_MG = FileUnit("0.001 mg", Decimal(1000))
SCQ_F = FileUnit("SCQ x 1e-8", Decimal("0.00001"))
"""From mg: SCQ = 1000 x mg, SCQ_F = SCQ x 1e-8; its own unit is unknown (5.2)."""
PLAIN = FileUnit("number", Decimal(1))
"""Counts and rates."""
