"""Sockets: HTTP/1.1 by our own protocol, or all of it by Hypercorn. Knows ASGI, not the application."""
