"""Spectra: what the EIS view shows of potentiostats, handovers, sweeps that run, stored spectra and their fits."""
