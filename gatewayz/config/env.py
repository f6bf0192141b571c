"""The environment, read here and nowhere else."""

import os

__all__ = ["environment"]


def environment() -> dict[str, str]:
    """Return a copy of the process environment."""
    return dict(os.environ)
