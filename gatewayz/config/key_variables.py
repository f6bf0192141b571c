"""Which environment variables hold the credentials of providers, as the configuration writes them."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from gatewayz.config.tree import Template, Tree

__all__ = ["key_variables"]

_REFERENCE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)")
_CREDENTIAL: Final = re.compile(r"(?:KEY|KEYS|TOKEN|SECRET|CREDENTIALS)(?:_ID|_JSON|_FILE)?$")


def key_variables(tree: Tree) -> Mapping[str, tuple[str, ...]]:
    """Return provider instance to the names of its variables; providers without any are left out."""
    settings = tree.value if isinstance(tree.value, dict) else {}
    providers = settings["providers"].value if "providers" in settings else {}
    entries = providers.items() if isinstance(providers, dict) else ()
    found = {name: tuple(dict.fromkeys(_credentials(entry))) for name, entry in entries}
    return {name: variables for name, variables in found.items() if variables}


def _credentials(tree: Tree) -> Iterator[str]:
    held = tree.value
    if isinstance(held, Template):
        yield from (name for name in _REFERENCE.findall(held.text) if _CREDENTIAL.search(name))
    elif isinstance(held, dict | list):
        for child in held.values() if isinstance(held, dict) else held:
            yield from _credentials(child)
