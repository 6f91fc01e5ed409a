"""The data sets of events: their names, as OpenLineage names files and object stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from perennial.lineage.open_lineage import facets
from perennial.lineage.open_lineage.facets import Facet

Dataset = dict[str, Any]


@dataclass(frozen=True)
class Names:
    """Where the data of a use case is. namespace: of jobs, and of what no other tool can read: models, decisions."""

    namespace: str
    usecase: str
    tables_uri: str
    files_uri: str

    def table(self, name: str, version: int | None, columns: Mapping[str, str]) -> Dataset:
        """A Delta table. version: None where it is not on record."""
        namespace, whole = located(f"{self.tables_uri}/{self.usecase}/{name}")
        about = {"datasetType": facets.dataset_type("TABLE")}
        about |= {"schema": facets.schema(columns)} if columns else {}
        about |= {"version": facets.version(str(version))} if version is not None else {}
        return {"namespace": namespace, "name": whole, "facets": about}

    def landed(self, landing: str) -> Dataset:
        """The bytes as they arrived. Their version is the name of the file, which begins with their sha256."""
        namespace, whole = located(f"{self.files_uri}/landing/{self.usecase}")
        about = {"datasetType": facets.dataset_type("FILE"), "version": facets.version(landing)}
        return {"namespace": namespace, "name": whole, "facets": about}

    def model(self, version: int) -> Dataset:
        """A registered model."""
        about = {"datasetType": facets.dataset_type("MODEL"), "version": facets.version(str(version))}
        return self._own("models", about)

    def decisions(self, id: str) -> Dataset:
        """The decisions of a use case, at one of them."""
        return self._own("decisions", {"version": facets.version(id)})

    def live(self, release_no: int) -> Dataset:
        """What is live, as of a release."""
        return self._own(
            "live", {"datasetType": facets.dataset_type("MODEL"), "version": facets.version(str(release_no))}
        )

    def _own(self, name: str, about: Mapping[str, Facet]) -> Dataset:
        return {"namespace": self.namespace, "name": f"{self.usecase}.{name}", "facets": dict(about)}


def located(uri: str) -> tuple[str, str]:
    """Namespace and name of a place.

    >>> located("/srv/home/tables/shop/accepted"), located("s3://bucket/tables/shop/accepted")
    (('file', '/srv/home/tables/shop/accepted'), ('s3://bucket', 'tables/shop/accepted'))
    """
    parts = urlsplit(uri)
    if not parts.scheme:
        return "file", uri
    return f"{parts.scheme}://{parts.netloc}", parts.path.lstrip("/")


def read(dataset: Dataset, **input_facets: Facet) -> Dataset:
    """As an input."""
    return {**dataset, "inputFacets": input_facets}


def wrote(dataset: Dataset, rows: int | None = None) -> Dataset:
    """As an output. rows: how many were written; None where it is not rows."""
    return {**dataset, "outputFacets": {} if rows is None else {"outputStatistics": facets.written(rows)}}
