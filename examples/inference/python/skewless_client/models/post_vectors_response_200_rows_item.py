from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.post_vectors_response_200_rows_item_explain import (
        PostVectorsResponse200RowsItemExplain,
    )
    from ..models.post_vectors_response_200_rows_item_issues import (
        PostVectorsResponse200RowsItemIssues,
    )
    from ..models.problem_item import ProblemItem


T = TypeVar("T", bound="PostVectorsResponse200RowsItem")


@_attrs_define
class PostVectorsResponse200RowsItem:
    """
    Attributes:
        issues (PostVectorsResponse200RowsItemIssues | Unset): Every status that is not ordinary, by feature; absent
            when there is none
        as_of (str | Unset): Where it differs from that of the request
        receipt (str | Unset): Opaque
        explain (PostVectorsResponse200RowsItemExplain | Unset): By feature: the window, tiles and head events its value
            came from; for a derived one, its inputs
        error (ProblemItem | Unset):
    """

    issues: PostVectorsResponse200RowsItemIssues | Unset = UNSET
    as_of: str | Unset = UNSET
    receipt: str | Unset = UNSET
    explain: PostVectorsResponse200RowsItemExplain | Unset = UNSET
    error: ProblemItem | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        issues: dict[str, Any] | Unset = UNSET
        if not isinstance(self.issues, Unset):
            issues = self.issues.to_dict()

        as_of = self.as_of

        receipt = self.receipt

        explain: dict[str, Any] | Unset = UNSET
        if not isinstance(self.explain, Unset):
            explain = self.explain.to_dict()

        error: dict[str, Any] | Unset = UNSET
        if not isinstance(self.error, Unset):
            error = self.error.to_dict()

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if issues is not UNSET:
            field_dict["issues"] = issues
        if as_of is not UNSET:
            field_dict["as_of"] = as_of
        if receipt is not UNSET:
            field_dict["receipt"] = receipt
        if explain is not UNSET:
            field_dict["explain"] = explain
        if error is not UNSET:
            field_dict["error"] = error

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.post_vectors_response_200_rows_item_explain import (
            PostVectorsResponse200RowsItemExplain,
        )
        from ..models.post_vectors_response_200_rows_item_issues import (
            PostVectorsResponse200RowsItemIssues,
        )
        from ..models.problem_item import ProblemItem

        d = dict(src_dict)
        _issues = d.pop("issues", UNSET)
        issues: PostVectorsResponse200RowsItemIssues | Unset
        if isinstance(_issues, Unset):
            issues = UNSET
        else:
            issues = PostVectorsResponse200RowsItemIssues.from_dict(_issues)

        as_of = d.pop("as_of", UNSET)

        receipt = d.pop("receipt", UNSET)

        _explain = d.pop("explain", UNSET)
        explain: PostVectorsResponse200RowsItemExplain | Unset
        if isinstance(_explain, Unset):
            explain = UNSET
        else:
            explain = PostVectorsResponse200RowsItemExplain.from_dict(_explain)

        _error = d.pop("error", UNSET)
        error: ProblemItem | Unset
        if isinstance(_error, Unset):
            error = UNSET
        else:
            error = ProblemItem.from_dict(_error)

        post_vectors_response_200_rows_item = cls(
            issues=issues,
            as_of=as_of,
            receipt=receipt,
            explain=explain,
            error=error,
        )

        return post_vectors_response_200_rows_item
