"""Arrays in, arrays out: half-cycles, cycles, life, dQ/dV, figures."""
