"""What the processes that get killed have in common, made once: each of them then starts in no time.

Nothing here may start a thread, which a process that is forked would miss.
"""

import gc

import scipy.special  # noqa: F401  # first, see `Registry._client`

# isort: split
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
import mlflow.store.db.utils
import mlflow.store.model_registry.sqlalchemy_store
import mlflow.store.model_registry.sqlalchemy_workspace_store
import mlflow.store.tracking.sqlalchemy_store
import mlflow.store.tracking.sqlalchemy_workspace_store
import mlflow.tracing.processor.otel
import mlflow.tracking._model_registry.client
import mlflow.tracking._tracking_service.client
import model_signing.signing  # noqa: F401
import narwhals._pandas_like.dataframe
import narwhals._pandas_like.group_by  # noqa: F401
import opentelemetry.sdk.metrics.export
import opentelemetry.sdk.trace  # noqa: F401
import prefect.concurrency.sync
import prefect.flow_engine
import prefect.task_engine
import prefect.utilities.visualization  # noqa: F401
import pyarrow.dataset  # noqa: F401
import pytest  # noqa: F401
import sklearn.ensemble  # noqa: F401
import skops.io  # noqa: F401
import typer.main
import vl_convert
from mlflow.utils import requirements_utils

import flows.backfill  # noqa: F401
import perennial.cli.app
import perennial.cli.repair
import perennial.cli.run_flows
import perennial.evaluation.metrics.roc_auc
import perennial.evaluation.policies.balanced
import perennial.model.environment
import perennial.release.doctor
import perennial.watching.channels.level
from data_checks.docs import _view
from perennial import registered
from perennial.sources import nycflights13
from tests.commands_once import make_commands_once
from tests.mlflow_once import copy_databases, read_newest_revision_once

requirements_utils._init_packages_to_modules_map()
nycflights13._year()
copy_databases()
make_commands_once()
typer.main.get_command(perennial.cli.app.app)
read_newest_revision_once()
mlflow.store.db.utils._get_latest_schema_revision()
for name in _view().env.list_templates(extensions=["j2"]):
    _view().env.get_template(name)
for kind in vars(registered).values():
    if isinstance(kind, registered.Registered):
        kind.installed()
# Its engine for JavaScript takes a second to start, in each process.
vl_convert.vegalite_to_svg = lambda *_: "<svg/>"
gc.collect()
gc.freeze()  # a collection in a forked process would copy every page of the memory that they share
