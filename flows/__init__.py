"""Flows. Secrets are masked in their logs, whichever process runs them."""

from perennial.secrets import mask_logs

mask_logs()
