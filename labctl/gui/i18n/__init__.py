"""The window's languages: English in the source, Simplified Chinese beside it, switched while the window is open."""
