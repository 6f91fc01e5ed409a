"""Erasing the rows of persons from everything that a home stores."""
