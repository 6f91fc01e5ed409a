"""Data checks, in the form a declaration writes them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_serializer

from perennial.usecase.spelling import Frozen, Share

Severity = Literal["critical", "warning", "info"]


class Check(Frozen):
    """One data check: a core expectation by its Great Expectations name.

    A declaration writes it as `{expect_…: {arguments}, severity: critical}`, and it is serialised in that form.
    """

    expectation: str = Field(description="for example `expect_column_values_to_be_between`")
    arguments: dict[str, Any] = Field({}, description="the expectation's own arguments")
    severity: Severity = Field(
        "critical",
        description="critical: sets rows aside or holds the batch; warning, info: reported, rows are accepted",
    )

    @model_serializer
    def _spelling(self) -> dict[str, Any]:
        return {self.expectation: self.arguments, "severity": self.severity}

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: Any, handler: Any) -> dict[str, Any]:
        """The form a declaration writes, so that an editor can check one."""
        return {
            "title": "Check",
            "type": "object",
            "description": "One data check: `{expect_…: {arguments}, severity: critical}`.",
            "properties": {
                "severity": {
                    "enum": ["critical", "warning", "info"],
                    "default": "critical",
                    "description": cls.model_fields["severity"].description,
                }
            },
            "patternProperties": {
                "^expect_": {"type": ["object", "null"], "description": cls.model_fields["arguments"].description}
            },
            "additionalProperties": False,
            "minProperties": 1,
            "if": {"required": ["severity"]},
            "then": {"minProperties": 2, "maxProperties": 2},
            "else": {"maxProperties": 1},
        }


class SetAsideLimits(Frozen):
    """The largest shares of a batch's rows that may be set aside; above them the batch is held.

    Exact copies of a row, and rows that another batch already contains, do not count.
    """

    total: Share = Field(
        0.10, ge=0, le=1, description="for all reasons together; fewer than 10 rows never hold a batch"
    )
    per_reason: Share = Field(0.05, ge=0, le=1, description="for any single reason")


def _check(value: Any) -> Any:
    """A check from its form in a declaration; a `Check` is returned unchanged. Raises ValueError otherwise."""
    if isinstance(value, Check):
        return value
    names = [name for name in value if name != "severity"] if isinstance(value, dict) else []
    if len(names) != 1 or not isinstance(names[0], str) or not names[0].startswith("expect_"):
        raise ValueError("a check is one Great Expectations name with its arguments, and a severity if you like")
    arguments = value[names[0]]
    if not isinstance(arguments, dict | None):
        raise ValueError(f"the arguments of {names[0]} should be a mapping, is {arguments!r}")
    rest = {"severity": value["severity"]} if "severity" in value else {}
    return {"expectation": names[0], "arguments": arguments or {}, **rest}


SpelledCheck = Annotated[Check, BeforeValidator(_check)]
