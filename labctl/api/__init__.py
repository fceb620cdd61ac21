"""HTTP and WebSocket: the station's server and its Python client."""
