"""Run folders, blocks, catalogue and export: acknowledged means durable."""
