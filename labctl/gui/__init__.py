"""The operator's window: a client of the station, which never notices whether it is open, hung or closed."""
