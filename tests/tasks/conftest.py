"""The shop after one good month."""

from tests.bad_input.conftest import imported, january, shop

__all__ = ["imported", "january", "shop"]
