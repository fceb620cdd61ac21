"""``labctl batches``: what was made together; the sub-verbs are those of ``labctl electrodes``."""

from __future__ import annotations

import argparse

from labctl.cli.electrodes import BATCHES

HELP = "Register batches of cells or electrodes; cells take electrolyte and coating from them."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    BATCHES.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-verb."""
    return BATCHES.run(args)
