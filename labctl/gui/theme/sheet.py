"""The one style sheet: generated from the token table and the scale, never written by hand elsewhere."""

from __future__ import annotations

from pathlib import Path
from string import Template

from labctl.gui.theme.fonts import Role
from labctl.gui.theme.tokens import TABLE, ThemeName, Tokens

HERE = Path(__file__).parent

TONES = (
    "text", "muted", "off", "accent", "on_accent", "hard", "charge", "discharge", "rest", "paused", "done", "stale",
)  # fmt: skip

CELL_MARGIN_PX = 3
"""What Qt's cells add to their padding at each side; heads add nothing, and figures are to stand under them."""

_SHEET = Template("""
QWidget { color: $text; font-size: ${body}pt; }
QDialog { background: $window; border: 1px solid $border; }
QToolTip { background: $field; color: $text; border: 1px solid $border; padding: ${p4}px; }
QToolTip, QMessageBox QLabel, QInputDialog QLabel { qproperty-textFormat: PlainText; }
QFrame[part="card"], QFrame[part="panel"] { background: $panel; border: 1px solid $hairline; border-radius: ${p4}px; }
QFrame[part="bar"] { background: $panel; border: none; }
QFrame[part="line"] { background: $hairline; border: none; }
QFrame[part="banner"] { background: $field; border: none; border-bottom: 1px solid $hairline; }
QFrame[part="toast"] { background: $field; border: 1px solid $border; border-radius: ${p4}px; }
QFrame[part="popup"] { background: $panel; border: 1px solid $border; border-radius: ${p4}px; }
QLineEdit, QPlainTextEdit, QTextEdit, QSpinBox, QDoubleSpinBox, QDateTimeEdit, QComboBox {
  background: $field; color: $text; border: 1px solid $border; border-radius: ${p4}px;
  selection-background-color: $selection; selection-color: $text; }
QLineEdit, QSpinBox, QDoubleSpinBox, QDateTimeEdit { padding: 0 ${p8}px; min-height: ${p30}px; }
QComboBox { padding: 0 ${p8}px; min-height: ${p30}px; }
QComboBox::drop-down { border: none; width: ${p24}px; }
QComboBox::down-arrow { image: url("$chevron"); width: ${p16}px; height: ${p16}px; }
QComboBox QAbstractItemView { background: $field; border: 1px solid $border; selection-background-color: $selection;
  selection-color: $text; outline: 0; padding: ${p4}px; }
QLineEdit:disabled, QComboBox:disabled, QSpinBox:disabled, QPlainTextEdit:disabled { color: $off;
  border-color: $hairline; background: $panel; }
QLineEdit[problem="true"], QComboBox[problem="true"] { border: 2px solid $paused; }
QLineEdit[bare="true"] { border: none; background: transparent; padding: 0; }
QAbstractScrollArea { border: none; background: transparent; }
QTableView, QTreeView, QListView { background: $panel; color: $text; border: none; outline: 0;
  gridline-color: $hairline; selection-background-color: $selection; selection-color: $text; }
QTableView::item, QListView::item { padding: 0 ${cell_pad}px; border-bottom: 1px solid $hairline; }
QTreeView::item { min-height: ${p32}px; }
QTableView::item:hover, QTreeView::item:hover, QListView::item:hover { background: $hover; }
QTableView::item:selected, QTreeView::item:selected, QListView::item:selected { background: $selection; color: $text; }
QTableView QLineEdit { border: 2px solid $focus; border-radius: 0; min-height: 0; padding: 0 ${p4}px; }
QHeaderView { background: $head; border: none; }
QHeaderView::section { background: $head; color: $muted; border: none; border-bottom: 1px solid $hairline;
  padding: 0 ${p8}px; font-size: ${small}pt; }
QTableCornerButton::section { background: $head; border: none; }
QScrollBar:vertical { background: transparent; width: ${p12}px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: ${p12}px; margin: 0; }
QScrollBar::handle { background: $neutral_bar; border: 3px solid $panel; border-radius: ${p4}px; }
QScrollBar::handle:vertical { min-height: ${p32}px; }
QScrollBar::handle:horizontal { min-width: ${p32}px; }
QScrollBar::handle:hover { background: $off; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QSplitter::handle { background: transparent; }
QSplitter::handle:horizontal { width: ${p8}px; }
QSplitter::handle:vertical { height: ${p8}px; }
QMenu { background: $panel; border: 1px solid $border; padding: ${p4}px; }
QMenu::item { padding: ${p4}px ${p24}px ${p4}px ${p12}px; min-height: ${p24}px; }
QMenu::item:selected { background: $selection; color: $text; }
QMenu::item:disabled { color: $off; }
QMenu::separator { height: 1px; background: $hairline; margin: ${p4}px 0; }
QProgressBar { background: $field; border: 1px solid $hairline; border-radius: 0; text-align: right; color: $muted; }
QProgressBar::chunk { background: $neutral_bar; }
QCheckBox, QRadioButton { spacing: ${p8}px; min-height: ${p32}px; }
QCheckBox::indicator, QRadioButton::indicator, QListView::indicator { width: ${p16}px; height: ${p16}px;
  background: $field; border: 1px solid $border; border-radius: ${p2}px; }
QRadioButton::indicator { border-radius: ${p8}px; }
QCheckBox::indicator:hover, QRadioButton::indicator:hover { background: $hover; }
QCheckBox::indicator:checked, QRadioButton::indicator:checked, QListView::indicator:checked { image: url("$check"); }
QCheckBox::indicator:disabled, QRadioButton::indicator:disabled { border-color: $hairline; background: $panel; }
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button,
QDateTimeEdit::up-button, QDateTimeEdit::down-button { subcontrol-origin: border; width: ${p24}px; border: none; }
QSpinBox::up-button, QDoubleSpinBox::up-button, QDateTimeEdit::up-button { subcontrol-position: top right; }
QSpinBox::down-button, QDoubleSpinBox::down-button, QDateTimeEdit::down-button { subcontrol-position: bottom right; }
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow, QDateTimeEdit::up-arrow { image: url("$raise");
  width: ${p12}px; height: ${p12}px; }
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow, QDateTimeEdit::down-arrow { image: url("$chevron");
  width: ${p12}px; height: ${p12}px; }
QCheckBox:disabled, QRadioButton:disabled { color: $off; }
QSlider::groove:horizontal { height: ${p4}px; background: $neutral_bar; }
QSlider::handle:horizontal { background: $accent; width: ${p12}px; margin: -${p4}px 0; border-radius: ${p4}px; }
QGroupBox { border: 1px solid $hairline; border-radius: ${p4}px; margin-top: ${p16}px; padding: ${p8}px; }
QMainWindow > QTabBar::tab { background: $panel; color: $text; border: none; border-right: 1px solid $hairline;
  padding: 0 ${p12}px; min-height: ${p32}px; }
QMainWindow > QTabBar::tab:selected { background: $selection; border-bottom: 2px solid $accent; }
QMainWindow > QTabBar::tab:hover:!selected { background: $hover; }
QDockWidget { titlebar-close-icon: url("$close"); titlebar-normal-icon: url("$apart"); }
QDockWidget::title { background: $panel; border-bottom: 1px solid $hairline; padding: ${p8}px ${p16}px; }
QDockWidget::close-button, QDockWidget::float-button { border: none; background: transparent; padding: 0;
  subcontrol-position: right center; subcontrol-origin: margin; width: ${p24}px; height: ${p24}px;
  icon-size: ${p16}px; }
QDockWidget::close-button { right: ${p4}px; }
QDockWidget::float-button { right: ${p30}px; }
QDockWidget::close-button:hover, QDockWidget::float-button:hover { background: $hover; }
QAbstractScrollArea::corner { background: transparent; border: none; }
""")


def sheet_of(name: ThemeName, scale: float) -> str:
    """Return the style sheet of a theme at a scale."""
    tokens = TABLE[name]
    words: dict[str, object] = {name: getattr(tokens, name) for name in tokens.__dataclass_fields__}
    for size_px in (2, 4, 8, 12, 16, 24, 30, 32):
        words[f"p{size_px}"] = round(size_px * scale)
    # Said here too: a view that is closed belongs to no window, and comes back with the size that it had there.
    words["body"] = f"{Role.BODY.value.size_pt * scale:g}"
    words["small"] = f"{Role.SMALL.value.size_pt * scale:g}"
    for picture in ("chevron", "raise", "check", "close", "apart"):
        words[picture] = (HERE / f"{picture}-{name.value}.svg").as_posix()
    words["cell_pad"] = round(8 * scale) - CELL_MARGIN_PX
    return _SHEET.substitute(words) + _roles(tokens, scale)


def _roles(tokens: Tokens, scale: float) -> str:
    """Return the rules of text roles and tones (see ``current.set_role``)."""
    rules = [
        f'*[role="{role.name.lower()}"] {{ font-size: {role.value.size_pt * scale:g}pt; '
        f"font-weight: {int(role.value.weight)}; }}"
        for role in Role
    ]
    rules += [f'*[tone="{tone}"] {{ color: {getattr(tokens, tone)}; }}' for tone in TONES]
    rules.append(f"QLabel:disabled {{ color: {tokens.off}; }}")
    return "\n".join(rules) + "\n"
