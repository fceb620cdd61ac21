"""Runs programs: pure state machines with a thin asynchronous shell around them."""
