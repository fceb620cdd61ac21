"""One folder per view; ``registry`` finds them, so that adding a view is adding a folder."""
