"""Statistics that add up: counts of each batch, written once and merged later, and what is computed from them."""
