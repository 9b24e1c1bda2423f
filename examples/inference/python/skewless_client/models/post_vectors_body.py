from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..models.post_vectors_body_include_item import PostVectorsBodyIncludeItem
from ..models.post_vectors_body_layout import PostVectorsBodyLayout
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.post_vectors_body_common import PostVectorsBodyCommon
    from ..models.post_vectors_body_entities_item import PostVectorsBodyEntitiesItem


T = TypeVar("T", bound="PostVectorsBody")


@_attrs_define
class PostVectorsBody:
    """
    Attributes:
        entities (list[PostVectorsBodyEntitiesItem]): Rows of entity keys and request inputs
        common (PostVectorsBodyCommon | Unset): Merged under each row
        as_of (int | str | Unset): Event time to evaluate at, exclusive: RFC 3339 with an offset, or integer
            milliseconds. Absent: now, if all sources go by the wall clock, else their earliest watermark.
        include (list[PostVectorsBodyIncludeItem] | Unset): `status` and `event_time` align with `features`; `receipt`
            is what it takes to reproduce the vector; `explain` says what each value came from
        features (list[str] | Unset): A subset of the features, in the order wanted
        fingerprint (str | Unset): Of the service, as this client knows it; another one is answered with 409
        after (list[str] | str | Unset): Read your writes: position tokens that ingest answered. The read waits until
            they are applied, at most `budget_ms` (1 s without one); what is not applied by then is `TIMED_OUT`.
        budget_ms (int | Unset): From receipt of the request; what is not ready by then is `TIMED_OUT`, the rest is
            served
        layout (PostVectorsBodyLayout | Unset):  Default: PostVectorsBodyLayout.ROWS.
    """

    entities: list[PostVectorsBodyEntitiesItem]
    common: PostVectorsBodyCommon | Unset = UNSET
    as_of: int | str | Unset = UNSET
    include: list[PostVectorsBodyIncludeItem] | Unset = UNSET
    features: list[str] | Unset = UNSET
    fingerprint: str | Unset = UNSET
    after: list[str] | str | Unset = UNSET
    budget_ms: int | Unset = UNSET
    layout: PostVectorsBodyLayout | Unset = PostVectorsBodyLayout.ROWS

    def to_dict(self) -> dict[str, Any]:
        entities = []
        for entities_item_data in self.entities:
            entities_item = entities_item_data.to_dict()
            entities.append(entities_item)

        common: dict[str, Any] | Unset = UNSET
        if not isinstance(self.common, Unset):
            common = self.common.to_dict()

        as_of: int | str | Unset
        if isinstance(self.as_of, Unset):
            as_of = UNSET
        else:
            as_of = self.as_of

        include: list[str] | Unset = UNSET
        if not isinstance(self.include, Unset):
            include = []
            for include_item_data in self.include:
                include_item = include_item_data.value
                include.append(include_item)

        features: list[str] | Unset = UNSET
        if not isinstance(self.features, Unset):
            features = self.features

        fingerprint = self.fingerprint

        after: list[str] | str | Unset
        if isinstance(self.after, Unset):
            after = UNSET
        elif isinstance(self.after, list):
            after = self.after

        else:
            after = self.after

        budget_ms = self.budget_ms

        layout: str | Unset = UNSET
        if not isinstance(self.layout, Unset):
            layout = self.layout.value

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "entities": entities,
            }
        )
        if common is not UNSET:
            field_dict["common"] = common
        if as_of is not UNSET:
            field_dict["as_of"] = as_of
        if include is not UNSET:
            field_dict["include"] = include
        if features is not UNSET:
            field_dict["features"] = features
        if fingerprint is not UNSET:
            field_dict["fingerprint"] = fingerprint
        if after is not UNSET:
            field_dict["after"] = after
        if budget_ms is not UNSET:
            field_dict["budget_ms"] = budget_ms
        if layout is not UNSET:
            field_dict["layout"] = layout

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.post_vectors_body_common import PostVectorsBodyCommon
        from ..models.post_vectors_body_entities_item import PostVectorsBodyEntitiesItem

        d = dict(src_dict)
        entities = []
        _entities = d.pop("entities")
        for entities_item_data in _entities:
            entities_item = PostVectorsBodyEntitiesItem.from_dict(entities_item_data)

            entities.append(entities_item)

        _common = d.pop("common", UNSET)
        common: PostVectorsBodyCommon | Unset
        if isinstance(_common, Unset):
            common = UNSET
        else:
            common = PostVectorsBodyCommon.from_dict(_common)

        def _parse_as_of(data: object) -> int | str | Unset:
            if isinstance(data, Unset):
                return data
            return cast(int | str | Unset, data)

        as_of = _parse_as_of(d.pop("as_of", UNSET))

        _include = d.pop("include", UNSET)
        include: list[PostVectorsBodyIncludeItem] | Unset = UNSET
        if _include is not UNSET:
            include = []
            for include_item_data in _include:
                include_item = PostVectorsBodyIncludeItem(include_item_data)

                include.append(include_item)

        features = cast(list[str], d.pop("features", UNSET))

        fingerprint = d.pop("fingerprint", UNSET)

        def _parse_after(data: object) -> list[str] | str | Unset:
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, list):
                    raise TypeError()
                after_type_1 = cast(list[str], data)

                return after_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[str] | str | Unset, data)

        after = _parse_after(d.pop("after", UNSET))

        budget_ms = d.pop("budget_ms", UNSET)

        _layout = d.pop("layout", UNSET)
        layout: PostVectorsBodyLayout | Unset
        if isinstance(_layout, Unset):
            layout = UNSET
        else:
            layout = PostVectorsBodyLayout(_layout)

        post_vectors_body = cls(
            entities=entities,
            common=common,
            as_of=as_of,
            include=include,
            features=features,
            fingerprint=fingerprint,
            after=after,
            budget_ms=budget_ms,
            layout=layout,
        )

        return post_vectors_body
