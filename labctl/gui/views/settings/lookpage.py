"""How the window looks and behaves for this person; every change can be undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QSlider, QWidget

from labctl.gui.i18n.translating import NAMES, Language, tr
from labctl.gui.parts.buttons import Button
from labctl.gui.parts.card import Card
from labctl.gui.parts.fields import ChoiceBox
from labctl.gui.parts.labels import Label
from labctl.gui.parts.layouts import Column, Row, fix_size
from labctl.gui.parts.segment import Choice, Segment
from labctl.gui.viewmodels.edits import Edit
from labctl.gui.viewmodels.settings import SCALE_MAX, SCALE_MIN, THEME_WORDS, Settings, Theme
from labctl.gui.viewmodels.sounds import Sounds
from labctl.gui.viewmodels.text import units_of
from labctl.gui.viewmodels.units import FIELDS
from labctl.gui.viewmodels.words import tr as vm_tr

NAME_PX = 210
STEPS_PERCENT = 10


class Line(QWidget):
    """A name at the left, controls beside it."""

    def __init__(self, *controls: QWidget) -> None:
        super().__init__()
        self.name = Label("", tone="muted")
        fix_size(self.name, width=NAME_PX)
        Row(self, gap=8).put(self.name, *controls, None)
        self._first = controls[0] if controls else None

    def say(self, name: str) -> None:
        """Name the line, for eyes and for screen readers."""
        self.name.setText(name)
        if self._first is not None:
            self._first.setAccessibleName(name)


class LookPage(QWidget):
    """The first page of the settings."""

    def __init__(
        self,
        settings: Settings,
        sounds: Sounds,
        do: Callable[[Edit | None], None],
        reset_layout: Callable[[], None],
    ) -> None:
        super().__init__()
        self._settings, self._do, self._sounds = settings, do, sounds
        self.theme = Segment("", tuple(Choice(one.value, one.value) for one in Theme))
        self.language = Segment("", tuple(Choice(one.value, NAMES[one]) for one in Language))
        self.scale = QSlider(Qt.Orientation.Horizontal)
        fix_size(self.scale, width=200)
        self.scale.setRange(round(SCALE_MIN * 100), round(SCALE_MAX * 100))
        self.scale.setSingleStep(STEPS_PERCENT)
        self.scale.setPageStep(2 * STEPS_PERCENT)
        self.percent = Label("")
        self.times = Segment("", (Choice("local", "local"), Choice("utc", "UTC")))
        self.tiles = Segment("", tuple(Choice(size, size) for size in "SML"))
        self.motion, self.sound = QCheckBox(), QCheckBox()
        self.units = {field: ChoiceBox() for field in FIELDS}
        self.reset = Button(icon="restore")
        self.reset.clicked.connect(reset_layout)
        self._lay_out()
        self._wire()

    def _lay_out(self) -> None:
        self.look_card, self.number_card, self.attention_card = Card(), Card(), Card()
        self.lines = {
            "theme": Line(self.theme), "language": Line(self.language), "scale": Line(self.scale, self.percent),
            "layout": Line(self.reset), "times": Line(self.times), "tiles": Line(self.tiles),
            "motion": Line(self.motion), "sound": Line(self.sound),
            **{field: Line(box) for field, box in self.units.items()},
        }  # fmt: skip
        self.look_card.body.put(
            *(self.lines[name] for name in ("theme", "language", "scale", "tiles", "layout"))
        )
        self.number_card.body.put(self.lines["times"], *(self.lines[field] for field in self.units))
        self.attention_card.body.put(self.lines["motion"], self.lines["sound"])
        Column(self, gap=8).put(self.look_card, self.number_card, self.attention_card, None)

    def _wire(self) -> None:
        self.theme.chosen.connect(lambda key: self._set(theme=key))
        self.language.chosen.connect(lambda key: self._set(language=key))
        self.times.chosen.connect(lambda key: self._set(utc_times=key == "utc"))
        self.tiles.chosen.connect(lambda key: self._set(tile_size=key))
        self.scale.valueChanged.connect(self._scaled)
        self.motion.toggled.connect(lambda on: self._set(motion=on))
        self.sound.toggled.connect(self._switch_sound)
        self._sounds.watch(self.refresh)
        for field, box in self.units.items():
            box.chosen.connect(lambda unit, name=field: self._choose_unit(name, unit))

    def _set(self, **changes: object) -> None:
        self._do(self._settings.set(**changes))

    def _switch_sound(self, on: bool) -> None:
        name = tr("settings", "sound on") if on else tr("settings", "sound off")
        self._do(Edit(name, lambda: self._sounds.set_muted(not on), lambda: self._sounds.set_muted(on)))

    def _choose_unit(self, field: str, unit: str) -> None:
        units = {name: kept for name, kept in self._settings.now.units.items() if name != field}
        self._set(units={**units, field: unit} if unit else units)

    def _scaled(self, percent: int) -> None:
        stepped = round(percent / STEPS_PERCENT) * STEPS_PERCENT
        if not self.scale.isSliderDown():
            self._set(scale=stepped / 100)

    def retranslate(self) -> None:
        """Take every word anew."""
        self.look_card.set_title(tr("settings", "Look"), tr("settings", "kept for you on this computer"))
        self.number_card.set_title(tr("settings", "Times and units"))
        self.attention_card.set_title(tr("settings", "What draws your eye and ear"))
        for name, text in (
            ("theme", tr("settings", "Theme")), ("language", tr("settings", "Language")),
            ("scale", tr("settings", "Size of text and controls")), ("layout", tr("settings", "Arrangement of views")),
            ("times", tr("settings", "Times")), ("tiles", tr("settings", "Size of tiles")),
            ("motion", tr("settings", "Motion")), ("sound", tr("settings", "Sound")),
            ("current", tr("settings", "Unit of currents")), ("capacity", tr("settings", "Unit of capacities")),
            ("charge_per_mass", tr("settings", "Unit of capacity per mass")),
            ("charge_per_area", tr("settings", "Unit of capacity per area")),
        ):  # fmt: skip
            self.lines[name].say(text)
        self.theme.show_choices([Choice(one.value, vm_tr("settings", THEME_WORDS[one])) for one in Theme])
        self.times.show_choices((Choice("local", tr("settings", "local")), Choice("utc", "UTC")))
        self.motion.setText(tr("settings", "an alarm that nobody has seen blinks once a second"))
        self.sound.setText(tr("settings", "new alarms are heard, another sound for each priority"))
        self.reset.setText(tr("settings", "Reset layout"))
        automatic = ("", tr("settings", "automatic"))
        for field, unit in FIELDS.items():
            choices: Sequence[tuple[str, str]] = [(name, name) for name in units_of(unit)]
            self.units[field].show_choices([automatic, *choices])
        self.refresh()

    def refresh(self) -> None:
        """Show the preferences as they are."""
        now = self._settings.now
        self.theme.choose(now.theme.value)
        self.language.choose(now.language.value)
        self.times.choose("utc" if now.utc_times else "local")
        self.tiles.choose(now.tile_size)
        for box, on in ((self.motion, now.motion), (self.sound, not self._sounds.muted)):
            box.blockSignals(True)
            box.setChecked(on)
            box.blockSignals(False)
        self.scale.blockSignals(True)
        self.scale.setValue(round(now.scale * 100))
        self.scale.blockSignals(False)
        self.percent.setText(f"{now.scale * 100:.0f} %")
        for field, choice in self.units.items():
            choice.choose(now.units.get(field, ""))
