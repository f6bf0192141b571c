"""Wire formats as pure functions between bytes and core values.

Each module holds one format. A *caller* format implements `caller.CallerDialect` (what clients
send us), an *upstream* format `sdk.dialect.UpstreamDialect` (what providers are sent); some are
both. Nothing here does I/O, reads a clock or knows a vendor's address.
"""
