"""Impedance files: one module per format, told apart by content, written so that other people's programs read them."""
