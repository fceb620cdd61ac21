"""Decisions as plain state machines: told the time and the readings, they return what to do."""
