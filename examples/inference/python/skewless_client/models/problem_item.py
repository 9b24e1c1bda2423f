from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self, TypeVar, cast

from attrs import define as _attrs_define

T = TypeVar("T", bound="ProblemItem")


@_attrs_define
class ProblemItem:
    """
    Attributes:
        code (str): snake_case, stable; `x-codes` has all, by status. Of `/readyz` also what a source failed with
        pointer (None | str): JSON pointer into the body; `/query/…` or `/path/…` for parameters; null: the request as a
            whole
        message (str):
        suggestion (None | str): The nearest thing that is right
    """

    code: str
    pointer: None | str
    message: str
    suggestion: None | str

    def to_dict(self) -> dict[str, Any]:
        code = self.code

        pointer: None | str
        pointer = self.pointer

        message = self.message

        suggestion: None | str
        suggestion = self.suggestion

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "code": code,
                "pointer": pointer,
                "message": message,
                "suggestion": suggestion,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        d = dict(src_dict)
        code = d.pop("code")

        def _parse_pointer(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        pointer = _parse_pointer(d.pop("pointer"))

        message = d.pop("message")

        def _parse_suggestion(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        suggestion = _parse_suggestion(d.pop("suggestion"))

        problem_item = cls(
            code=code,
            pointer=pointer,
            message=message,
            suggestion=suggestion,
        )

        return problem_item
