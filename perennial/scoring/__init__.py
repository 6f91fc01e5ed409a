"""Predictions for batches, kept with the release that made them."""
