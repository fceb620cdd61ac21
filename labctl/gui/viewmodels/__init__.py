"""What the window shows and does, in plain Python: testable without a screen. No Qt, no threads, no HTTP."""
