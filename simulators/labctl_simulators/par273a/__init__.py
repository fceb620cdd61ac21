"""EG&G PAR 273/273A with a lock-in or an impedance analyser on one GPIB behind a Prologix box, or on RS-232."""
