"""The log of served predictions: what was answered is on disk before the answer is sent."""
