"""Which pictures are taken of the window: a scene is a view brought to the front and something shown in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labctl.gui.views.station.view import StationView
    from labctl.gui.window import MainWindow


def _nothing(window: MainWindow) -> None:
    """Leave things as they are."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A picture's name, what it shows, how it is brought up (again after each change of look) and put away."""

    name: str
    told: str
    show: Callable[[MainWindow], None]
    leave: Callable[[MainWindow], None] = _nothing


def _view(view_id: str) -> Callable[[MainWindow], None]:
    return lambda window: window.go(view_id)


def _busiest(window: MainWindow) -> str:
    """Return the channel with the most cycles behind it: the first of them."""
    assert window.desk is not None
    channels = window.desk.lab.channels
    return str(max(channels, key=lambda channel: channels[channel].cycle))


def _full_cell(window: MainWindow) -> str:
    """Return the channel of a full cell that runs, the one with the most cycles; else the busiest."""
    assert window.desk is not None
    lab = window.desk.lab
    full = {name: status.cycle for name, status in lab.channels.items()
            if status.run_id and (cell := lab.cells.get(str(status.cell_id))) is not None
            and cell.name.startswith("LFP-coated")}  # fmt: skip
    return str(max(full, key=lambda name: full[name])) if full else _busiest(window)


def _channel(window: MainWindow) -> None:
    window.go("channel", _busiest(window))


def _channel_tab(
    name: str, cycles: str = "", which: Callable[[MainWindow], str] = _busiest
) -> Callable[[MainWindow], None]:
    """Return the channel with another of its plots; ``cycles`` is a list for the overlay."""

    def show(window: MainWindow) -> None:
        from labctl.gui.viewmodels.plotchoice import Tab
        from labctl.gui.views.channel.view import ChannelView

        window.go("channel", which(window))
        view = window.docks.view("channel") if window.docks is not None else None
        assert isinstance(view, ChannelView)
        view.undo.do(view.models.choice.show_tab(Tab[name]))
        view.undo.do(view.models.choice.list_cycles(cycles))

    return show


def _channel_again(window: MainWindow) -> None:
    """Put the channel's first plot back."""
    _channel_tab("VOLTAGE")(window)


def _frames(window: MainWindow) -> None:
    """Show the frames of a channel, the second of them whole."""
    window.go("frames", _busiest(window))
    view = _dock(window, "frames")
    if view.rows.rowCount() > 1 and not view.table.selectionModel().hasSelection():
        view.follow.setChecked(False)
        view.table.selectRow(1)


def _palette(window: MainWindow) -> None:
    window.go("station")
    window.palette_popup.open()


def _palette_away(window: MainWindow) -> None:
    window.palette_popup.hide()


def _station(window: MainWindow) -> StationView:
    from labctl.gui.views.station.view import StationView

    window.go("station")
    assert window.docks is not None
    found = window.docks.view("station")
    assert isinstance(found, StationView)
    return found


def _station_selected(window: MainWindow) -> None:
    """Select what runs first: the bar offers what can be done, the keyboard's place is seen."""
    view = _station(window)
    running = [name for name in view.grid.order if view.context.lab.channels[name].run_id]
    view.selection.choose(*running[:4])
    view.tiles.setFocus()


def _station_zoomed(size: str) -> Callable[[MainWindow], None]:
    def show(window: MainWindow) -> None:
        view = _station(window)
        view.undo.do(view.settings.set(tile_size=size))

    return show


def _station_table(window: MainWindow) -> None:
    _station(window).show_look("table")


def _station_filter(window: MainWindow) -> None:
    view = _station(window)
    if view.filtering.dialog is not None:
        view.filtering.dialog.reject()
    view.filtering.edit(view.settings.filters[0])


def _station_away(window: MainWindow) -> None:
    view = _station(window)
    view.selection.choose()
    view.show_look("tiles")
    if view.filtering.dialog is not None:
        view.filtering.dialog.reject()
    _station_zoomed("M")(window)


def _queue_listing(listing: str) -> Callable[[MainWindow], None]:
    def show(window: MainWindow) -> None:
        window.go("queue")
        view: Any = None if window.docks is None else window.docks.view("queue")
        view._list(listing)
        view.choose(view.model.keys()[:1])

    return show


def _queue_insert(window: MainWindow) -> None:
    from labctl.gui.parts.dialog import Dialog

    for dialog in window.findChildren(Dialog):
        dialog.reject()
    window.go("queue")
    view: Any = None if window.docks is None else window.docks.view("queue")
    running = [name for name, status in view.context.lab.channels.items() if status.cell_id]
    view.selection.choose(*running[:3])
    view.insert()


def _queue_away(window: MainWindow) -> None:
    from labctl.gui.parts.dialog import Dialog

    for dialog in window.findChildren(Dialog):
        dialog.reject()
    _queue_listing("all")(window)


def _alarm_page(page: str) -> Callable[[MainWindow], None]:
    def show(window: MainWindow) -> None:
        window.go("alarms")
        view: Any = None if window.docks is None else window.docks.view("alarms")
        view.moment.turn_to(page)

    return show


COMPARED = ("LIQ-pristine-1", "LIQ-pristine-2", "LIQ-coated-1", "LIQ-coated-2", "LFP-pristine-1", "LFP-pristine-2",
            "LFP-coated-1", "LFP-coated-2")  # fmt: skip


def _dock(window: MainWindow, view_id: str) -> Any:
    window.go(view_id)
    return None if window.docks is None else window.docks.view(view_id)


def _compared(page: str = "plots") -> Callable[[MainWindow], None]:
    def show(window: MainWindow) -> None:
        view = _dock(window, "compare")
        if not view.compare.members:
            cells = view.context.lab.cells
            view.open_on([key for key, cell in cells.items() if cell.name in COMPARED])
        view.pages.part(page).click()

    return show


def _compare_away(window: MainWindow) -> None:
    _dock(window, "compare").pages.part("plots").click()


def _reported(template: str, family: str) -> Callable[[MainWindow], None]:
    def show(window: MainWindow) -> None:
        from labctl.gui.viewmodels.reports import Template

        view = _dock(window, "reports")
        cells = view.context.lab.cells
        wanted = {
            key for key, cell in cells.items() if cell.name in COMPARED and cell.name.startswith(family)
        }

        def take(runs: Any) -> None:
            compare = view.report.compare
            if {one.cell_id for one in compare.members} != wanted:
                gone = compare.remove([one.run_id for one in compare.members])
                view.undo.do(gone)
                view.undo.do(compare.add([run for run in runs if run.cell_id in wanted]))
            view.undo.do(view.report.set(template=Template(template)))

        view.zoom.setCurrentIndex(view.zoom.findData("2"))
        view.preview.sheet.set_zoom(2.0)
        view.context.asks.ask("runs.list", then=take)

    return show


CELLS_HEAD = "slot\tcell id\ttype\tgroup\tmass / mg\tarea / cm²\tOCV\tprotocol"


def _cells_questions(window: MainWindow) -> None:
    """Paste sixteen cells with a slip of the point and a word for a mass; nothing is saved."""
    from labctl.gui.viewmodels.cellcolumns import Col

    view = _dock(window, "cells")
    lab = view.context.lab
    free = [name for name, status in lab.channels.items() if not status.cell_id]
    from labctl.gui.viewmodels.places import cabinet

    slots = [cabinet(lab.channels).label(name) for name in free[:8]]
    rows = [CELLS_HEAD]
    for number in range(16):
        lfp = number < 4
        mass = (
            "heavy"
            if number == 9
            else "9.240"
            if number == 2
            else f"{0.921 + number / 1000:.3f}"
            if lfp
            else "-"
        )
        slot = slots[number] if number < len(slots) else ""
        rows.append(f"{slot}\tC{181 + number:04}\t{'LFP' if lfp else 'sym'}\t{'coated' if number % 2 else 'pristine'}\t"
                    f"{mass}\t0.785\t{0.0:.3f}\t{'p5-lfp-li-peo' if lfp else 'p2-li-li-3mA'}")  # fmt: skip
    if not view.cells.rows:
        view.do(view.cells.paste("\n".join(rows)))
    view.entry.go_to(2, Col.MASS)


def _cells_away(window: MainWindow) -> None:
    view = _dock(window, "cells")
    while view.undo.canUndo():
        view.undo.undo()


def _cells_registered(window: MainWindow) -> None:
    _dock(window, "cells").registry_card.show_page("cells")


def _start_review(window: MainWindow) -> None:
    """Review a start of what is loaded and idle, and of some that run; nothing is started."""
    view = _dock(window, "start")
    channels = view.context.lab.channels
    idle = [name for name, status in channels.items() if status.cell_id and not status.run_id]
    busy = [name for name, status in channels.items() if status.run_id]
    view.open_on({"channels": [*idle[:10], *busy[:4]], "protocol": "p1-li-li-1mA"})


def _protocol(
    name: str, tab: str = "table", typed: str = "", kind: str = "symmetric"
) -> Callable[[MainWindow], None]:
    """Return a protocol in its editor, for the first cell of a kind; ``typed`` into its first current asks back."""

    def show(window: MainWindow) -> None:
        from labctl.gui.viewmodels.protocol.rows import DRIVEN, Column

        view = _dock(window, "protocol")
        if view.editor.origin.name != name:
            view.open_on(name)
            return
        cells = [cell for cell in view.context.lab.cells.values() if cell.kind.value == kind]
        if cells and (view.editor.cell is None or view.editor.cell.kind.value != kind):
            view._cell_chosen(str(cells[0].cell_id))
        view.desk.show_tab(tab)
        row = next(row for row in view.editor.document.rows if row.kind in DRIVEN)
        if tab == "table":
            view.desk.go_to_path(row.path, Column.SET)
        if typed:
            view._typed(row, Column.SET, typed)

    return show


def _protocol_away(window: MainWindow) -> None:
    """Go back to the list."""
    _dock(window, "protocol").desk.table.end_question()


def _protocol_list(window: MainWindow) -> None:
    window.go("protocol")
    _dock(window, "protocol").close_protocol()


def _settings(page: str) -> Callable[[MainWindow], None]:
    return lambda window: window.go("settings", page)


def _wizard(window: MainWindow) -> None:
    _dock(window, "firstrun").show_wizard()


def _wizard_away(window: MainWindow) -> None:
    _dock(window, "firstrun").show_ways()


def _eis(stage: str) -> Callable[[MainWindow], None]:
    """Return the EIS view on a potentiostat that is played in the window alone: a demo has none."""

    def show(window: MainWindow) -> None:
        from datetime import timedelta

        from labctl.model.handover import Stage
        from labctl.testing import guieis

        assert window.desk is not None and window.context is not None
        lab = window.desk.lab
        if not isinstance(window.context.asks, guieis.PlayedAsks):
            window.context.asks = guieis.PlayedAsks(window.context.asks)
        asked_utc = (lab.plant_utc - timedelta(minutes=3)).isoformat()
        way = {
            "live": guieis.handover(Stage.MEASURING), "there": guieis.handover(since_utc=asked_utc),
            "differs": replace(guieis.mismatch(), since_utc=asked_utc),
        }.get(stage)  # fmt: skip
        seen_utc = lab.plant_utc.isoformat()
        instrument = guieis.measuring() if stage == "live" else guieis.potentiostat()
        queue = () if way is None else (way, guieis.waiting(138, 2), guieis.waiting(139, 3))
        cycles = tuple(sorted(guieis.R_SEI_OHM))
        guieis.fill(
            lab, replace(instrument, seen_utc=seen_utc), *queue, cycles=cycles[:-1] if queue else cycles
        )
        window.go("eis", guieis.CELL)

    return show


def _eis_away(window: MainWindow) -> None:
    """Take what was played out of the window's picture of its station; the spectra stay: these scenes are the last."""
    from labctl.gui.viewmodels.batches import Batch
    from labctl.model.bench import Delta
    from labctl.testing import guieis

    assert window.desk is not None
    lab = window.desk.lab
    gone = [("channel", guieis.CHANNEL), ("potentiostat", guieis.PSTAT), ("cell", guieis.CELL)]
    gone += [
        (topic, key)
        for topic, keys in (("handover", lab.handovers), ("spectrum", lab.spectra))
        for key in keys
    ]
    lab.apply(Batch(tuple(Delta(0, topic, key, None) for topic, key in gone)))
    window.go("station")


SCENES = (
    Scene("station", "channel grid", _view("station")),
    Scene("station-selected", "four channels selected, what can be done", _station_selected, _station_away),
    Scene("station-small", "small tiles", _station_zoomed("S"), _station_away),
    Scene("station-large", "large tiles", _station_zoomed("L"), _station_away),
    Scene("station-table", "the same channels as a table", _station_table, _station_away),
    Scene("station-filter", "the editor of a filter for dead cells", _station_filter, _station_away),
    Scene("channel", "live voltage of the channel with the most cycles", _channel),
    Scene("channel-current", "current over time", _channel_tab("CURRENT"), _channel_again),
    Scene(
        "channel-cycles",
        "capacity and efficiency by cycle",
        _channel_tab("CYCLES", which=_full_cell),
        _channel_again,
    ),
    Scene(
        "channel-dqdv", "dQ/dV of the newest cycles", _channel_tab("DQDV", which=_full_cell), _channel_again
    ),
    Scene(
        "channel-overlay", "cycles on the ramp", _channel_tab("OVERLAY", "1:50:6", _full_cell), _channel_again
    ),
    Scene("compare-empty", "nothing is compared yet", _view("compare")),
    Scene("compare", "groups of cells", _compared()),
    Scene("compare-figures", "the figures of cells and groups", _compared("figures"), _compare_away),
    Scene("protocol", "the station's protocols", _protocol_list),
    Scene("protocol-open", "a protocol for a cell", _protocol("p1-li-li-1mA")),
    Scene("protocol-loops", "loops in loops with a varied current", _protocol("rate-test", kind="lfp_li")),
    Scene(
        "protocol-asked", "a number without a unit", _protocol("p1-li-li-1mA", typed="1.5"), _protocol_away
    ),
    Scene("protocol-head", "head and variables", _protocol("p1-li-li-1mA", "head")),
    Scene("protocol-text", "the same document as text", _protocol("p1-li-li-1mA", "text"), _protocol_list),
    Scene("queue", "queue and calendar", _view("queue")),
    Scene("queue-held", "what is held, with its reasons", _queue_listing("held"), _queue_away),
    Scene("queue-channel", "the queue of each channel", _queue_listing("channel"), _queue_away),
    Scene("queue-insert", "a protocol is inserted", _queue_insert, _queue_away),
    Scene("cells", "cells registry", _view("cells")),
    Scene("cells-questions", "sixteen cells pasted, one question", _cells_questions, _cells_away),
    Scene("cells-registered", "registered cells", _cells_registered),
    Scene("start", "batch start review", _start_review),
    Scene("alarms", "alarms and events", _alarm_page("curve")),
    Scene("alarms-message", "the message to a phone", _alarm_page("message"), _alarm_page("curve")),
    Scene("alarms-history", "history and facts of an alarm", _alarm_page("history"), _alarm_page("curve")),
    Scene("reports", "capacity by cycle for a paper", _reported("capacity", "LFP")),
    Scene("reports-lili", "the profile of symmetric cells for a paper", _reported("lili", "LIQ")),
    Scene("reports-table", "the table for a paper", _reported("table", "LFP")),
    Scene("recovery", "recovery after a restart", _view("recovery")),
    Scene("frames", "what passed the link of a channel", _frames),
    Scene("settings", "look", _settings("look")),
    Scene("settings-station", "the station and its instruments", _settings("station")),
    Scene("settings-keys", "keyboard map", _settings("keys")),
    Scene("firstrun", "first run", _view("firstrun")),
    Scene("firstrun-wizard", "the wizard that finds instruments", _wizard, _wizard_away),
    Scene("palette", "command palette over the station", _palette, _palette_away),
    Scene("eis", "spectra over a cell's life, fitted", _eis("stored"), _eis_away),
    Scene("eis-live", "a sweep that runs, two cells wait", _eis("live"), _eis_away),
    Scene("eis-prompt", "leads are to be moved", _eis("there"), _eis_away),
    Scene("eis-differs", "the voltage does not fit", _eis("differs"), _eis_away),
)
