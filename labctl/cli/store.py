"""``labctl store``: prove that stored data are whole, rebuild the catalogue, print digests."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from labctl.cli.app import EXIT_FAILED, EXIT_OK, add_subverbs
from labctl.cli.context import root_of, run_named
from labctl.cli.output import emit_json, say

if TYPE_CHECKING:
    from labctl.store.root import DataRoot

HELP = "Verify stored data, rebuild the catalogue from the run folders, print the digest of a run's rows."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sub-verbs."""
    verbs = add_subverbs(
        parser,
        (
            (
                "verify",
                "check every run folder (or the named ones), spectra and the station's own files; exit 1 when damaged",
            ),
            ("restore", "mend a damaged run from a copy of its folder; what is whole is left alone"),
            ("rebuild", "make the catalogue anew from the run folders alone"),
            ("digest", "print the hash of a run's rows up to its end"),
        ),
    )
    verbs["verify"].add_argument(
        "runs", nargs="*", metavar="RUN", help="run ids, parts of them, or 'last' (default: all)"
    )
    verbs["restore"].add_argument("run", metavar="RUN", help="run id, part of it, or 'last'")
    verbs["restore"].add_argument(
        "--from", dest="copy", required=True, metavar="FOLDER", help="the copy of the run's folder"
    )
    verbs["digest"].add_argument("runs", nargs="+", metavar="RUN", help="run ids, parts of them, or 'last'")


def run(args: argparse.Namespace) -> int:
    """Run the chosen sub-verb."""
    root = root_of(args)
    if args.what == "verify":
        return _verify(root, args)
    if args.what == "restore":
        return _restore(root, args)
    if args.what == "rebuild":
        return _rebuild(root, args)
    return _digest(root, args)


def _verify(root: DataRoot, args: argparse.Namespace) -> int:
    from labctl.store.runreader import RunReader
    from labctl.store.spectra import SpectraStore
    from labctl.store.verify import verify_station

    folders = [root.run_folder(run_named(root, name)) for name in args.runs] or list(root.run_folders())
    found: dict[str, list[str]] = {}
    for folder in folders:
        found[folder.name] = [str(finding) for finding in RunReader(folder).verify()]
        if not args.json:
            say(f"{folder.name}: {'whole' if not found[folder.name] else 'DAMAGED'}")
            for text in found[folder.name]:
                say(f"    {text}")
    station = [] if args.runs else [str(finding) for finding in verify_station(root.disk, root.path)]
    if not args.runs:
        station += SpectraStore(root).verify()
    damaged = sum(1 for texts in found.values() if texts)
    if args.json and station:
        emit_json(
            [{"run": name, "ok": not texts, "findings": texts} for name, texts in found.items()]
            + [{"station": str(root.path), "ok": False, "findings": station}]
        )
    elif args.json:
        emit_json([{"run": name, "ok": not texts, "findings": texts} for name, texts in found.items()])
    else:
        for text in station:
            say(f"station: {text}")
        say(f"{len(found)} runs checked, {damaged} damaged.")
    return EXIT_FAILED if damaged or station else EXIT_OK


def _restore(root: DataRoot, args: argparse.Namespace) -> int:
    from labctl.store.restore import restore_run
    from labctl.store.runreader import RunReader

    run_id = run_named(root, args.run)
    with root.lock("labctl store restore"):
        told = restore_run(root, run_id, Path(args.copy))
    left = [str(finding) for finding in RunReader(root.run_folder(run_id)).verify()]
    if args.json:
        emit_json({"run": run_id, "restored": told, "findings": left})
        return EXIT_FAILED if left else EXIT_OK
    for text in told or ["nothing is damaged"]:
        say(f"{run_id}: {text}")
    for text in left:
        say(f"    still: {text}")
    return EXIT_FAILED if left else EXIT_OK


def _rebuild(root: DataRoot, args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from labctl.store.catalogue import rebuild

    with root.lock("labctl store rebuild"):
        made = rebuild(root)
    if args.json:
        emit_json({"catalogue": str(root.catalogue_path), **asdict(made)})
    else:
        say(
            f"{root.catalogue_path} made anew: {made.cells} cells, {made.runs} runs, {made.protocols} protocols."
        )
        for problem in made.problems:
            say(f"    left out: {problem}")
    return EXIT_FAILED if made.problems else EXIT_OK


def _digest(root: DataRoot, args: argparse.Namespace) -> int:
    from labctl.store.runreader import RunReader

    folders: list[Path] = [root.run_folder(run_named(root, name)) for name in args.runs]
    digests = [{"run": folder.name, "digest": RunReader(folder).digest()} for folder in folders]
    if args.json:
        emit_json(digests)
    else:
        for line in digests:
            say(f"{line['digest']}  {line['run']}")
    return EXIT_OK
