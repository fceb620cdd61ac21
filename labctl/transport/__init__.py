"""Byte pipes to instruments and how to open one."""

from labctl.transport.opening import open_transport

__all__ = ["open_transport"]
