"""One inference request, straight through. Orchestrates; owns no storage, knows no HTTP, names no vendor.

`pipeline` is the whole journey on one screen; every step has a file of its own.
"""
