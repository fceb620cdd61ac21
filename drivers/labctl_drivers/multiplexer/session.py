"""Who may speak when on a multiplexer's line: one question, then its answer. Pure.

Commands have no answer. Answers carry no number, so a line that nobody has asked for would pass for the next read-back:
it is an error, after which nothing is believed any more (F06).
"""

from __future__ import annotations

from labctl.errors import UsageError, WireError
from labctl_drivers.multiplexer.codec import LineDecoder, encode
from labctl_drivers.multiplexer.messages import Command, Question


class Session:
    """One line to one box."""

    def __init__(self) -> None:
        self._decoder = LineDecoder()
        self._waiting = False

    def command(self, command: Command) -> bytes:
        """Return the bytes of a command. Raises: UsageError while an answer is awaited."""
        self._insist_quiet()
        return encode(command)

    def question(self, question: Question) -> bytes:
        """Return the bytes of a question. Raises: UsageError while an answer is awaited."""
        self._insist_quiet()
        line = encode(question)
        self._waiting = True
        return line

    def feed(self, data: bytes) -> str | None:
        """Return the answer once it is complete, else None. Raises WireError for more lines than were asked for."""
        lines = self._decoder.feed(data)
        if len(lines) > int(self._waiting):
            raise WireError(
                "an answer to nothing that was asked", data=data, rule="one answer to each question"
            )
        if not lines:
            return None
        self._waiting = False
        return lines[0]

    def reset(self) -> None:
        """Forget what was asked and what has come."""
        self._decoder.reset()
        self._waiting = False

    def _insist_quiet(self) -> None:
        if self._waiting:
            raise UsageError("the last question has no answer yet", operation="request")
