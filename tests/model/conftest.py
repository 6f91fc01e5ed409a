"""The models of the training tests, saved the way the registry keeps them."""

from tests.training.conftest import month, saved

__all__ = ["month", "saved"]
