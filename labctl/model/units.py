"""Unit conversions at the rims and the physical constants, named once.

Inside labctl everything is SI (ampere, volt, second, ampere-hour for charge counters) with the unit as the
last
part of a name. **Charge is positive**: a positive current charges the cell; in a symmetric cell the positive
half
comes first. Vendor signs end in the codec.
"""

from __future__ import annotations

import math

FARADAY_C_PER_MOL = 96485.33212
GAS_CONSTANT_J_PER_MOL_K = 8.31446261815324
ZERO_DEGC_K = 273.15
SECONDS_PER_HOUR = 3600.0


def A_from_mA(current_mA: float) -> float:
    """Convert milliampere to ampere."""
    return current_mA * 1e-3


def mA_from_A(current_A: float) -> float:
    """Convert ampere to milliampere."""
    return current_A * 1e3


def V_from_mV(voltage_mV: float) -> float:
    """Convert millivolt to volt."""
    return voltage_mV * 1e-3


def mV_from_V(voltage_V: float) -> float:
    """Convert volt to millivolt."""
    return voltage_V * 1e3


def Ah_from_mAh(charge_mAh: float) -> float:
    """Convert milliampere-hour to ampere-hour."""
    return charge_mAh * 1e-3


def mAh_from_Ah(charge_Ah: float) -> float:
    """Convert ampere-hour to milliampere-hour."""
    return charge_Ah * 1e3


def h_from_s(time_s: float) -> float:
    """Convert seconds to hours."""
    return time_s / SECONDS_PER_HOUR


def s_from_h(time_h: float) -> float:
    """Convert hours to seconds."""
    return time_h * SECONDS_PER_HOUR


def g_from_mg(mass_mg: float) -> float:
    """Convert milligram to gram."""
    return mass_mg * 1e-3


def K_from_degC(temperature_degC: float) -> float:
    """Convert degrees Celsius to kelvin."""
    return temperature_degC + ZERO_DEGC_K


def cm2_from_disc_mm(diameter_mm: float) -> float:
    """Return the area of a disc, A = pi (d/2)^2."""
    radius_cm = diameter_mm / 20.0
    return math.pi * radius_cm * radius_cm
