"""MLflow: experiments, model versions, and the alias that mirrors the ledger. The only package that imports it."""

from perennial.store.registry.registry import ALIAS, BESIDE, Beside, Registry
from perennial.store.registry.training_run import LearnedFrom, Training, TrialRun

__all__ = ["ALIAS", "BESIDE", "Beside", "LearnedFrom", "Registry", "Training", "TrialRun"]
