"""A PARSTAT 2263/2273 with PowerSuite and the person before it: a sheet is read, exports appear in a folder."""
