"""Seeds for runs that nobody gave one.

Must never be asked for a seed that somebody gave.
"""

from __future__ import annotations

import secrets

_SEEDS = 2**32
"""Seeds are drawn below this: short enough to be typed again."""


def new_seed() -> int:
    """Return a seed that nobody can foresee, from 0."""
    return secrets.randbelow(_SEEDS)
