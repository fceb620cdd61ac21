"""The virtual world: cells and chambers as state and advance, no bytes."""
