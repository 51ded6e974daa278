"""/api/docs: every address and what it does, made from the OpenAPI description, with nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

router = APIRouter(include_in_schema=False)


@router.get("/api/docs")
def manual(request: Request) -> HTMLResponse:
    """The page."""
    description = request.app.openapi()
    rows = [
        f"<tr><td>{method.upper()}<td><code>{escape(path)}</code><td>{escape(_does(operation))}"
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
    ]
    return HTMLResponse(
        "<!doctype html><html lang=en><meta charset=utf-8><title>musegen studio: addresses</title>"
        f"<h1>{escape(description['info']['title'])} {escape(description['info']['version'])}</h1>"
        f"<p>{escape(description['info']['description'])} Errors are <code>{{&quot;error&quot;: sentence}}</code>. "
        "<a href=/api/openapi.json>openapi.json</a> has all of it, for programs.</p>"
        f"<table><tr><th>method<th>address<th>what it does{''.join(rows)}</table>"
    )


def _does(operation: dict[str, Any]) -> str:
    asked = ", ".join(p["name"] for p in operation.get("parameters", []) if p["in"] == "query")
    text = operation.get("description") or operation.get("summary", "")
    return f"{text} (asks for {asked})" if asked else str(text)
