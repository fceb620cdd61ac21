"""Simulate a Neware BTS 8.0 server: wire, step files, records, channels, faults."""
