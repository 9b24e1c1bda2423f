from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.status import Status
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.post_vectors_response_200_vectors_item_explain import (
        PostVectorsResponse200VectorsItemExplain,
    )
    from ..models.post_vectors_response_200_vectors_item_issues import (
        PostVectorsResponse200VectorsItemIssues,
    )
    from ..models.problem_item import ProblemItem


T = TypeVar("T", bound="PostVectorsResponse200VectorsItem")


@_attrs_define
class PostVectorsResponse200VectorsItem:
    """
    Attributes:
        values (list[Any] | Unset): Aligned with `features`; withheld ones are null
        status (list[Status] | Unset):
        event_time (list[None | str] | Unset):
        issues (PostVectorsResponse200VectorsItemIssues | Unset): Every status that is not ordinary, by feature; absent
            when there is none
        as_of (str | Unset): Where it differs from that of the request
        receipt (str | Unset): Opaque
        explain (PostVectorsResponse200VectorsItemExplain | Unset): By feature: the window, tiles and head events its
            value came from; for a derived one, its inputs
        error (ProblemItem | Unset):
    """

    values: list[Any] | Unset = UNSET
    status: list[Status] | Unset = UNSET
    event_time: list[None | str] | Unset = UNSET
    issues: PostVectorsResponse200VectorsItemIssues | Unset = UNSET
    as_of: str | Unset = UNSET
    receipt: str | Unset = UNSET
    explain: PostVectorsResponse200VectorsItemExplain | Unset = UNSET
    error: ProblemItem | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        values: list[Any] | Unset = UNSET
        if not isinstance(self.values, Unset):
            values = self.values

        status: list[str] | Unset = UNSET
        if not isinstance(self.status, Unset):
            status = []
            for status_item_data in self.status:
                status_item = status_item_data.value
                status.append(status_item)

        event_time: list[None | str] | Unset = UNSET
        if not isinstance(self.event_time, Unset):
            event_time = []
            for event_time_item_data in self.event_time:
                event_time_item: None | str
                event_time_item = event_time_item_data
                event_time.append(event_time_item)

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
        if values is not UNSET:
            field_dict["values"] = values
        if status is not UNSET:
            field_dict["status"] = status
        if event_time is not UNSET:
            field_dict["event_time"] = event_time
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
        from ..models.post_vectors_response_200_vectors_item_explain import (
            PostVectorsResponse200VectorsItemExplain,
        )
        from ..models.post_vectors_response_200_vectors_item_issues import (
            PostVectorsResponse200VectorsItemIssues,
        )
        from ..models.problem_item import ProblemItem

        d = dict(src_dict)
        values = cast(list[Any], d.pop("values", UNSET))

        _status = d.pop("status", UNSET)
        status: list[Status] | Unset = UNSET
        if _status is not UNSET:
            status = []
            for status_item_data in _status:
                status_item = Status(status_item_data)

                status.append(status_item)

        _event_time = d.pop("event_time", UNSET)
        event_time: list[None | str] | Unset = UNSET
        if _event_time is not UNSET:
            event_time = []
            for event_time_item_data in _event_time:

                def _parse_event_time_item(data: object) -> None | str:
                    if data is None:
                        return data
                    return cast(None | str, data)

                event_time_item = _parse_event_time_item(event_time_item_data)

                event_time.append(event_time_item)

        _issues = d.pop("issues", UNSET)
        issues: PostVectorsResponse200VectorsItemIssues | Unset
        if isinstance(_issues, Unset):
            issues = UNSET
        else:
            issues = PostVectorsResponse200VectorsItemIssues.from_dict(_issues)

        as_of = d.pop("as_of", UNSET)

        receipt = d.pop("receipt", UNSET)

        _explain = d.pop("explain", UNSET)
        explain: PostVectorsResponse200VectorsItemExplain | Unset
        if isinstance(_explain, Unset):
            explain = UNSET
        else:
            explain = PostVectorsResponse200VectorsItemExplain.from_dict(_explain)

        _error = d.pop("error", UNSET)
        error: ProblemItem | Unset
        if isinstance(_error, Unset):
            error = UNSET
        else:
            error = ProblemItem.from_dict(_error)

        post_vectors_response_200_vectors_item = cls(
            values=values,
            status=status,
            event_time=event_time,
            issues=issues,
            as_of=as_of,
            receipt=receipt,
            explain=explain,
            error=error,
        )

        return post_vectors_response_200_vectors_item
