"""Changes of a running program: kept in ``run.json`` with who, when and why, taken over at the next segment boundary.

The program that the run began with stays where it is (I11). Each revision names the first row that was measured under
it; one that waits for its boundary has none yet.
"""

from __future__ import annotations

import json
from typing import Any

from labctl.engine.machines.revise import problem_of, sequence_of, with_more_cycles
from labctl.engine.run import Run
from labctl.errors import InvariantError, UserInputError
from labctl.model.program import Program, program_to_json

CYCLES_MAX = 65535
"""As many passes as a device loop can count."""


async def revise(run: Run, program: Program, *, protocol_text: str, by: str, reason: str) -> int:
    """Keep a changed program for the next boundary; a change that still waits is replaced. Returns its number.

    Raises: UserInputError saying what has begun already; StoreError: nothing has changed then.
    """
    if run.over or run.decision is not None:
        raise UserInputError(f"Run {run.run_id} is about to end; it takes no change any more.")
    begun = [int(entry["segment"]) for entry in run.writer.manifest.get("segments", [])]
    problem = problem_of(run.program, program, begun)
    if not problem:
        try:
            run.walker.revised(program)
        except InvariantError as error:
            problem = f"{error.problem}; edit what comes behind the present place only"
    if problem:
        raise UserInputError(f"Run {run.run_id} cannot be changed so: {problem}.")
    known = list(run.writer.manifest.get("revisions", []))
    if known and sequence_of(known[-1]) is None:
        known.pop()
    number = 2 if not known else int(known[-1]["revision"]) + 1
    entry: dict[str, Any] = {
        "revision": number,
        "program": json.loads(program_to_json(program)),
        "protocol": {
            "name": program.protocol_name,
            "hash": program.protocol_hash,
            "text": protocol_text,
        },
        "from_sequence": None,
        "by": by,
        "utc": run.utc(),
        "reason": reason,
    }
    await run.manifest(revisions=[*known, entry])
    run.next_program = program
    run.event("revision.kept", revision=number, by=by, reason=reason)
    await run.commit()
    return number


async def add_cycles(run: Run, count: int, *, by: str, reason: str) -> int:
    """Keep a change that repeats the last device loop ``count`` more times. Raises as ``revise``."""
    if not 1 <= count <= CYCLES_MAX:
        raise UserInputError(f"{count} more cycles cannot be added; write a number from 1 to {CYCLES_MAX}.")
    present = run.next_program or run.program
    program = with_more_cycles(present, count)
    if program is None:
        raise UserInputError(f"The program of {run.run_id} has no loop that could go on.")
    text = str(run.writer.manifest["protocol"].get("text", ""))
    return await revise(run, program, protocol_text=text, by=by, reason=reason)
