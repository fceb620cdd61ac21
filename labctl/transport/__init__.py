"""Byte pipes with deadlines: TCP, serial, VISA, memory; capture, replay and fault seams."""
