"""What every test stands on, however the test runner was started."""

from __future__ import annotations

import signal

# A shell starts background jobs with Ctrl-C ignored, and each child inherits that: tests of Ctrl-C would hang.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
