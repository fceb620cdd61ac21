"""What the command palette offers while the protocol editor is in front."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labctl.gui.i18n.translating import tr
from labctl.gui.parts.view import Command
from labctl.gui.views.protocol.editpage import HEAD, TEXT

if TYPE_CHECKING:
    from labctl.gui.views.protocol.view import ProtocolView


def commands_of(view: ProtocolView) -> list[Command]:
    """Return the commands of the library, and of the open protocol."""
    editor, group = view.editor, view.spec.name
    made = [Command(tr("protocol", "New protocol"), view.new_protocol, "Ctrl+N", group),
            Command(tr("protocol", "Import…"), view.import_file, "", group)]  # fmt: skip
    if not editor.is_open:
        return made
    return [
        *made, Command(tr("protocol", "Check"), view.check_now, "F7", group),
        Command(tr("protocol", "Simulate"), view.simulate_now, "F8", group, editor.why_not_simulate()),
        Command(tr("protocol", "Save revision"), view.save_now, "Ctrl+S", group, editor.why_not_save()),
        Command(tr("protocol", "Export…"), view.export_file, "Ctrl+E", group),
        Command(tr("protocol", "YAML text"), lambda: view.desk.show_tab(TEXT), "", group),
        Command(tr("protocol", "Head and variables"), lambda: view.desk.show_tab(HEAD), "", group),
    ]  # fmt: skip
