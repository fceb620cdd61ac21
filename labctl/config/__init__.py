"""The station file: which instruments, limits and chambers this bench has."""
