"""Abstract capabilities of instruments, one small interface per file."""
