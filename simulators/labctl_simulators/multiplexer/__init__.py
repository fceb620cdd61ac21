"""The multiplexer between cycler and potentiostat: relays that really move the cells of the bench."""
