"""The review of a batch start, opened by others: ``go("start", target)``.

``target``: ids of channels; ``Wish``es; or ``{"channels": [...], "cells": [...], "protocol": name}``.
"""

from __future__ import annotations

from labctl.gui.i18n.translating import mark
from labctl.gui.parts.view import Context, View, ViewSpec


def _make(context: Context) -> View:
    from labctl.gui.views.start.view import StartView

    return StartView(context, VIEW)


VIEW = ViewSpec(
    "start", mark("views", "Review and start"), "play-outline", 61, _make, help="gui.md#start", rail=False
)
