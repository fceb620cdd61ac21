"""Kinds of id that must not be mixed up."""

from __future__ import annotations

from typing import NewType

CellId = NewType("CellId", str)
"""Registry id of a cell, for example ``C0007``; ASCII letters, digits, ``-`` and ``_``."""

ChannelId = NewType("ChannelId", str)
"""``instrument:place``, for example ``neware:1-3`` (tester unit 1, channel 3)."""

RunId = NewType("RunId", str)
"""Folder name of a run; ASCII, made from ids alone, never from text that a person typed."""

TestId = NewType("TestId", int)
"""The instrument's own number of one test on one channel."""
