from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.post_vectors_response_200_rows_item_explain_additional_property import (
        PostVectorsResponse200RowsItemExplainAdditionalProperty,
    )


T = TypeVar("T", bound="PostVectorsResponse200RowsItemExplain")


@_attrs_define
class PostVectorsResponse200RowsItemExplain:
    """By feature: the window, tiles and head events its value came from; for a derived one, its inputs"""

    additional_properties: dict[
        str, PostVectorsResponse200RowsItemExplainAdditionalProperty
    ] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:

        field_dict: dict[str, Any] = {}
        for prop_name, prop in self.additional_properties.items():
            field_dict[prop_name] = prop.to_dict()

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.post_vectors_response_200_rows_item_explain_additional_property import (
            PostVectorsResponse200RowsItemExplainAdditionalProperty,
        )

        d = dict(src_dict)
        post_vectors_response_200_rows_item_explain = cls()

        additional_properties = {}
        for prop_name, prop_dict in d.items():
            additional_property = (
                PostVectorsResponse200RowsItemExplainAdditionalProperty.from_dict(
                    prop_dict
                )
            )

            additional_properties[prop_name] = additional_property

        post_vectors_response_200_rows_item_explain.additional_properties = (
            additional_properties
        )
        return post_vectors_response_200_rows_item_explain

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(
        self, key: str
    ) -> PostVectorsResponse200RowsItemExplainAdditionalProperty:
        return self.additional_properties[key]

    def __setitem__(
        self, key: str, value: PostVectorsResponse200RowsItemExplainAdditionalProperty
    ) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
