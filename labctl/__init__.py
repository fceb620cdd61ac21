"""Control and data acquisition for battery labs: cyclers, potentiostats and sputter coaters behind small interfaces."""

__version__ = "0.1.0"
