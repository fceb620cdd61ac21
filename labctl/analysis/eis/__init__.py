"""Impedance spectra: are they valid, what circuit describes them, and how does a cell's circuit change with age."""
