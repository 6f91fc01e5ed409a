"""MLflow: experiments, model versions, and the alias that mirrors the ledger. The only package that imports it."""

from perennial.store.registry.registry import ALIAS, REFIT_ALIAS, Registry
from perennial.store.registry.training_run import LearnedFrom, Training, TrialRun

__all__ = ["ALIAS", "REFIT_ALIAS", "LearnedFrom", "Registry", "Training", "TrialRun"]
