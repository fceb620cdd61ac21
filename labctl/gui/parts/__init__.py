"""Widgets that views are made of: they show and forward, decide nothing, and all look alike."""
