"""The protocol editor without a window: a text, the table that stands for it, its check, its drafts and revisions."""
