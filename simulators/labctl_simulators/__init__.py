"""Simulated instruments that speak the documented bytes, with physics behind them."""
