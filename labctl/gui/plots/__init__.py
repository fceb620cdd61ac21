"""Plots: axes, curves, bands, cursors, gestures and figures for paper, drawn the same on screen and on paper."""
