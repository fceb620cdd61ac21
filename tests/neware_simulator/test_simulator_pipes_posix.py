"""A step file path that is a named pipe (neware-bts 2.9); Windows has none, so the file is not collected there."""

from __future__ import annotations

import os


def test_a_pipe_is_refused_at_once_and_the_server_lives_on(client, steps):
    pipe = client.folder / "pipe.xml"
    os.mkfifo(pipe)
    assert client.row("start", "start", 1, str(pipe)) == "false"
    assert client.start(1, steps.file(steps.rest(10), steps.end)) == "ok"
