"""*Stop all outputs* pressed while somebody releases an earlier one: it stays in force, on disk too."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from labctl.errors import ConflictError
from labctl.station.core import StationCore
from labctl.testing.benchrun import small_bench
from labctl.testing.corebench import ANNA, CoreBench


@pytest.fixture
def lab(tmp_path: Path) -> CoreBench:
    """One symmetric cell."""
    return CoreBench(small_bench({}), tmp_path, poll_s=60.0)


@pytest.mark.parametrize("writes", [0, 1])
def test_a_stop_all_that_comes_while_one_is_released_stays_in_force(lab: CoreBench, writes: int) -> None:
    async def story(core: StationCore) -> None:
        await core.stop_all(ANNA, "first")
        add, pressed = core.latches._ledger.add, asyncio.Event()
        write = core.audit.write

        async def audited(*args: Any, **fields: Any) -> Any:
            if writes == 0 and args[1] == "stop-all.release":
                pressed.set()
                await asyncio.sleep(0)
                core.audit.write = write  # type: ignore[method-assign]
                await other
            return await write(*args, **fields)

        async def added(*lines: Any) -> Any:
            if writes == 1 and lines[0]["kind"] == "stop_all.release":
                core.latches._ledger.add = add  # type: ignore[method-assign]
                line = await add(*lines)
                pressed.set()
                await asyncio.sleep(0)
                return line
            return await add(*lines)

        core.audit.write = audited  # type: ignore[method-assign]
        core.latches._ledger.add = added  # type: ignore[method-assign]

        async def smoke() -> None:
            await pressed.wait()
            await core.stop_all(ANNA, "second")

        other = asyncio.get_running_loop().create_task(smoke())
        with pytest.raises(ConflictError, match="pressed again"):
            await core.release_stop_all(ANNA, "all is well", "release")
        await other
        assert core.latches.stop_all.active
        assert core.latches.stop_all.reason == "second"
        assert "second" in core.supervisor._gate.stop_all
        assert core.queue.held() == "second"

    lab.live(story)

    async def after(core: StationCore) -> tuple[bool, str]:
        return core.latches.stop_all.active, core.supervisor._gate.stop_all

    assert lab.live(after) == (True, "second")
