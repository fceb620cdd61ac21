"""Plain, frozen data: cells, protocols, programs, records, units."""
