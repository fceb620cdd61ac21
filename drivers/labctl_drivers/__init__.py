"""Drivers: thin adapters between the core's interfaces and instruments' bytes, one family per folder."""
