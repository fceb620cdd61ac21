"""Converters between the protocol language and other formats, each with a loss report."""

from __future__ import annotations

from labctl.protocol.convert.formats import convert_protocol, formats, read_foreign

__all__ = ["convert_protocol", "formats", "read_foreign"]
