"""Impedance in the life of a cell: the sweep that runs, validity, fits, history, and the queue at the potentiostat."""

from __future__ import annotations

from labctl.gui.i18n.translating import mark
from labctl.gui.parts.view import Context, View, ViewSpec


def _make(context: Context) -> View:
    from labctl.gui.views.eis.view import EisView

    return EisView(context, VIEW)


def _there(lab: object) -> bool:
    from labctl.gui.viewmodels.eis.model import there

    return there(lab)  # type: ignore[arg-type]  # a Lab; its module is imported behind the first paint


VIEW = ViewSpec("eis", mark("views", "EIS"), "sine-wave", 7, _make, key=7, help="gui.md#eis", there=_there)
