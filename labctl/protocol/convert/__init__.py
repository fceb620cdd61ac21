"""Converters between the protocol language and other formats, each with a loss report."""
