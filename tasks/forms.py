"""Links from a report to the form in the Prefect UI with which a person acts on it."""

from __future__ import annotations

import json
from urllib.parse import quote

from prefect.client.orchestration import get_client
from prefect.exceptions import ObjectNotFound
from prefect.utilities.urls import url_for


def form_address(deployment: str, **parameters: str) -> str | None:
    """The address of a deployment's form with these fields filled in; None if it is not deployed, or there is no UI.

    deployment: the name of the flow and of its deployment.
    """
    with get_client(sync_client=True) as client:
        try:
            form = client.read_deployment_by_name(f"{deployment}/{deployment}")
        except ObjectNotFound:
            return None
    address = url_for("deployment", obj_id=form.id)
    return f"{address}/run?parameters={quote(json.dumps(parameters))}" if address else None
