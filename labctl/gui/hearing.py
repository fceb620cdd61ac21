"""What a person hears of alarms in this window: the plan of the view-model and the tones of the computer."""

from __future__ import annotations

from labctl.gui.parts.sound import Beeper
from labctl.gui.parts.view import Context
from labctl.gui.viewmodels.sounds import Sounds

MUTED = "sound/muted"


def sounds_of(context: Context) -> Sounds:
    """Return the sounds of a window; made by who asks first. Mute is kept for the person."""

    def make() -> Sounds:
        beeper = context.share("beeper", Beeper)
        return Sounds(
            context.lab,
            beeper.play,
            muted=bool(context.session.get(MUTED, False)),
            keep=lambda muted: context.session.put(MUTED, muted),
        )

    found: Sounds = context.share("sounds", make)
    return found
