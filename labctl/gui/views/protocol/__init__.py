"""The protocol editor: the station's protocols, one of them as a table and as text, checked while one types (U13).

``open_on``: a protocol's name at the station.
"""

from __future__ import annotations

from labctl.gui.i18n.translating import mark
from labctl.gui.parts.view import Context, View, ViewSpec


def _make(context: Context) -> View:
    from labctl.gui.views.protocol.view import ProtocolView

    return ProtocolView(context, VIEW)


VIEW = ViewSpec("protocol", mark("views", "Protocol"), "repeat", 4, _make, key=4, help="gui.md#protocol")
