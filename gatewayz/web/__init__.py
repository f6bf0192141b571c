"""HTTP plumbing every area shares. Knows Quart and ASGI, knows no area."""
