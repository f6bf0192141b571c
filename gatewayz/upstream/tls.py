"""TLS towards providers: verified, HTTP/1.1 by ALPN."""

import ssl

import certifi

__all__ = ["make_tls_context"]


def make_tls_context(ca_file: str | None = None) -> ssl.SSLContext:
    """Return a context that verifies names and chains. Reads files: not for the event loop.

    `ca_file` replaces the system's certificates (`SSL_CERT_FILE` is honoured by OpenSSL itself); a system
    without any gets the bundle that comes with httpx. Raises OSError when the file cannot be used.
    """
    context = ssl.create_default_context(cafile=ca_file or None)
    paths = ssl.get_default_verify_paths()
    if not ca_file and not paths.cafile and not paths.capath:
        context.load_verify_locations(certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context
