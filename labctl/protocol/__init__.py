"""Protocol text to program and back: parse, check, bind, estimate, convert, render."""
