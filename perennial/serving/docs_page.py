"""The page /docs: each use case with an example that can be sent from the page. It needs no network."""

from __future__ import annotations

import json
from html import escape
from typing import Any

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>Perennial: scoring service</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem;
  color-scheme: light dark; }}
textarea {{ width: 100%; min-height: 14rem; font: 14px ui-monospace, monospace; box-sizing: border-box; }}
input {{ font: inherit; }}
pre {{ overflow: auto; border: 1px solid #8886; padding: .5rem; white-space: pre-wrap; }}
pre:empty {{ display: none; }} h2 {{ margin: 2.2rem 0 0; overflow-wrap: anywhere; }}
table {{ border-collapse: collapse; }} td, th {{ text-align: left; padding: .2rem .8rem .2rem 0; }}
</style></head><body>
<h1>Scoring service</h1>
<p>The whole description is in <a href="openapi.json">OpenAPI</a>. Clients of MLflow send to
<code>/usecases/NAME/invocations</code>, those of the Open Inference Protocol to <code>/v2/models/NAME/infer</code>.</p>
<p><label>API key, if one is needed: <input id="key" type="password" autocomplete="off"></label></p>
{sections}
<h2>Other operations</h2>
<table>{others}</table>
<script>
for (const form of document.querySelectorAll("form")) form.addEventListener("submit", async (event) => {{
  event.preventDefault();
  const headers = {{"content-type": "application/json"}}, key = document.getElementById("key").value;
  if (key) headers.authorization = "Bearer " + key;
  const shown = form.querySelector("pre"), sent = {{method: "POST", headers, body: form.elements.body.value}};
  shown.textContent = "…";
  try {{
    const answer = await fetch(form.dataset.path, sent);
    shown.textContent = answer.status + "\\n" + JSON.stringify(await answer.json(), null, 2);
  }} catch (error) {{
    shown.textContent = "No answer from the service: " + error.message;
  }}
}});
</script>
</body></html>
"""
_SECTION = """<h2>POST {path}</h2>
<p>{summary}</p>
<table><tr><th>field</th><th>type</th><th>required</th></tr>{fields}</table>
<form data-path="{relative}"><p><textarea name="body" aria-label="records">{example}</textarea></p>
<p><button>Send</button></p><pre></pre></form>
"""


def docs_page(document: dict[str, Any]) -> str:
    """The page for an OpenAPI document made by `openapi.description`."""
    sections = [_section(path, methods["post"]) for path, methods in document["paths"].items() if "post" in methods]
    reading = [(path, methods["get"]["summary"]) for path, methods in document["paths"].items() if "get" in methods]
    others = [
        f"<tr><td>GET {_link(path)}</td><td>{escape(what)}</td></tr>"
        for path, what in (*reading, ("/metrics", "Counts and times for Prometheus"), ("/openapi.json", "OpenAPI"))
    ]
    return _PAGE.format(sections="".join(sections) or "<p>No model is live yet.</p>", others="".join(others))


def _link(path: str) -> str:
    """To a path of this service, also behind a proxy that adds a prefix."""
    return f'<a href="{escape(path.removeprefix("/"))}">{escape(path)}</a>'


def _section(path: str, operation: dict[str, Any]) -> str:
    content = operation["requestBody"]["content"]["application/json"]
    record = content["schema"]["oneOf"][0]
    rows = [
        f"<tr><td>{escape(name)}</td><td>{escape(str(kind['type'][0]))}</td>"
        f"<td>{'yes' if name in record['required'] else ''}</td></tr>"
        for name, kind in record["properties"].items()
        if kind
    ]
    example = escape(json.dumps(content["example"], indent=2, ensure_ascii=False))
    return _SECTION.format(
        path=escape(path),
        relative=escape(path.removeprefix("/")),
        summary=escape(operation["summary"]),
        fields="".join(rows),
        example=example,
    )
