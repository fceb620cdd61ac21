"""The station: the one process of a bench PC that owns instruments, queue, limits, alarms and data."""
