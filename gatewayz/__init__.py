"""Gatewayz: one API key, every AI model, automatic reliability, one bill.

Importing this package does no work: no plugin, no socket, no framework is loaded.
"""

__version__ = "0.1.0"
__all__ = ["__version__"]
