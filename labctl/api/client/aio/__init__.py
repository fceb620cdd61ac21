"""The client for programs with an event loop; ``labctl.api.client.sync`` is made from it."""
