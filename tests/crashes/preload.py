"""What the processes that get killed have in common, imported once: each of them then starts in no time."""

import alembic.command  # noqa: F401
import anyio._backends._asyncio  # noqa: F401
import deltalake.fs  # noqa: F401
import duckdb  # noqa: F401
import git  # noqa: F401
import graphviz  # noqa: F401
import great_expectations  # noqa: F401
import jinja2.ext  # noqa: F401
import markdown_it  # noqa: F401
import mlflow.pyfunc
import mlflow.sklearn
import mlflow.store.artifact.local_artifact_repo
import mlflow.store.model_registry.sqlalchemy_store
import mlflow.store.model_registry.sqlalchemy_workspace_store
import mlflow.store.tracking.sqlalchemy_store
import mlflow.store.tracking.sqlalchemy_workspace_store
import mlflow.tracing.processor.otel
import mlflow.tracking._model_registry.client
import mlflow.tracking._tracking_service.client  # noqa: F401
import narwhals._pandas_like.dataframe
import narwhals._pandas_like.group_by  # noqa: F401
import opentelemetry.sdk.metrics.export
import opentelemetry.sdk.trace  # noqa: F401
import prefect.concurrency.sync
import prefect.flow_engine
import prefect.task_engine  # noqa: F401
import pytest  # noqa: F401
import sklearn.ensemble  # noqa: F401
import skops.io  # noqa: F401
from mlflow.utils import requirements_utils

import flows.backfill  # noqa: F401
import perennial.cli.app
import perennial.cli.repair
import perennial.cli.run_flows
import perennial.model.environment
import perennial.release.doctor
import perennial.watching.channels.level  # noqa: F401
from perennial.sources import nycflights13

requirements_utils._init_packages_to_modules_map()
nycflights13._year()
