"""Laying one tree over another."""

from gatewayz.config.tree import Tree

__all__ = ["merge"]


def merge(base: Tree, over: Tree) -> Tree:
    """Return `base` with `over` laid upon it.

    Mappings merge key by key; everything else is replaced; null removes the entry it covers.
    """
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    merged = dict(base.value)
    for key, child in over.value.items():
        covered = merged.get(key)
        if covered is None:
            merged[key] = child
        elif child.value is None:
            del merged[key]
        else:
            merged[key] = merge(covered, child)
    return Tree(over.file, over.line, merged)
