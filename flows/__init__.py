"""Flows. Whichever process runs one, its log lines are without anything secret."""

from perennial.secrets import mask_logs

mask_logs()
