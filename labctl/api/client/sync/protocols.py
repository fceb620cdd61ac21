# Made from labctl/api/client/aio/protocols.py by `python -m labctl.api.client.generate`.
"""The station's library of protocols: texts, revisions, and checking one before it is saved or queued."""

from __future__ import annotations

from collections.abc import Mapping

from labctl.api.client import routes
from labctl.api.client.sync.link import Link
from labctl.api.messages import CheckProtocol, SaveProtocol, SketchProtocol
from labctl.model.library import CheckReport, ProtocolInfo, ProtocolRevision, ProtocolText, ProtocolUse
from labctl.model.prediction import Prediction


class Protocols:
    """The station's library of protocols."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def list(self) -> tuple[ProtocolInfo, ...]:
        """Return the ready-made protocols, which are read-only, and those that people saved."""
        return self._link.call(routes.PROTOCOLS)

    def get(self, name: str, revision: int | None = None) -> ProtocolText:
        """Return one with its text and its sentences: the newest, or one of the saved revisions."""
        if revision is None:
            return self._link.call(routes.PROTOCOL, name)
        return self._link.call(routes.PROTOCOL_REVISION, name, str(revision))

    def revisions(self, name: str) -> tuple[ProtocolRevision, ...]:
        """Return who saved which version when and why, oldest first, without texts; a ready-made one has none."""
        return self._link.call(routes.PROTOCOL_REVISIONS, name)

    def uses(self, name: str) -> tuple[ProtocolUse, ...]:
        """Return which jobs wait or run with which revision of a protocol; they stay on it whatever is saved later."""
        return self._link.call(routes.PROTOCOL_USES, name)

    def save(
        self, name: str, text: str, *, based_on: int = 0, note: str = "", source: str = ""
    ) -> ProtocolRevision:
        """Save a text as the next revision of a protocol, or as a new one; what is queued or runs stays on its own.

        ``based_on`` is the revision that it was made from, 0 for a new one; ``source`` the template that was copied.
        Raises: ConflictError naming who has saved meanwhile, UserInputError with line and fix for a text that cannot
        be used.
        """
        body = SaveProtocol(text, based_on, note, source)
        return self._link.call(routes.PROTOCOL_SAVE, name, body=body)

    def check(
        self,
        text: str,
        *,
        cell_id: str | None = None,
        channel: str | None = None,
        variables: Mapping[str, str] | None = None,
        name: str = "",
    ) -> CheckReport:
        """Check a protocol's text, alone or for a cell in a channel; nothing is stored or sent.

        With a cell and no channel it is bound to the channel where the cell sits, else to any of the bench.
        ``name`` is what the text is called in messages.
        """
        body = CheckProtocol(text, cell_id, channel, dict(variables or {}), name)
        return self._link.call(routes.PROTOCOL_CHECK, body=body)

    def sketch(
        self,
        text: str,
        cell_id: str,
        *,
        variables: Mapping[str, str] | None = None,
        name: str = "",
        twin: str = "",
    ) -> Prediction:
        """Return the curve that a rehearsal of a text on a twin of the cell predicts, at most 2,000 points.

        Takes seconds, and is cut off after twenty: the curve is then the beginning. Where there is no twin, or the text
        cannot run, the answer says why.
        """
        body = SketchProtocol(text, cell_id, dict(variables or {}), name, twin)
        return self._link.call(routes.PROTOCOL_SKETCH, body=body)
