"""Keep a model good for years: continuous training for tabular models."""

__version__ = "0.1.0"
