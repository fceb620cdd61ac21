"""The station's HTTP and WebSocket server: maps requests to the core's methods, one to one, and keeps strangers out."""
