"""The client for everybody else: made from ``labctl.api.client.aio`` by ``python -m labctl.api.client.generate``."""
