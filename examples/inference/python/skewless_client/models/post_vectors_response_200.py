from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.post_vectors_response_200_columns import PostVectorsResponse200Columns
    from ..models.post_vectors_response_200_event_time import (
        PostVectorsResponse200EventTime,
    )
    from ..models.post_vectors_response_200_rows_item import (
        PostVectorsResponse200RowsItem,
    )
    from ..models.post_vectors_response_200_status import PostVectorsResponse200Status
    from ..models.post_vectors_response_200_vectors_item import (
        PostVectorsResponse200VectorsItem,
    )


T = TypeVar("T", bound="PostVectorsResponse200")


@_attrs_define
class PostVectorsResponse200:
    """
    Attributes:
        service (str):
        version (int):
        fingerprint (str):
        as_of (None | str): null: the budget was spent before it could be known
        features (list[str]):
        vectors (list[PostVectorsResponse200VectorsItem] | Unset): Aligned with `entities`; each has `values`, or an
            `error`
        columns (PostVectorsResponse200Columns | Unset): `layout: columns`: values by feature, each aligned with
            `entities`
        status (PostVectorsResponse200Status | Unset): `layout: columns`; null where the row has an `error`
        event_time (PostVectorsResponse200EventTime | Unset): `layout: columns`
        rows (list[PostVectorsResponse200RowsItem] | Unset): `layout: columns`: what belongs to rows, aligned with
            `entities`
    """

    service: str
    version: int
    fingerprint: str
    as_of: None | str
    features: list[str]
    vectors: list[PostVectorsResponse200VectorsItem] | Unset = UNSET
    columns: PostVectorsResponse200Columns | Unset = UNSET
    status: PostVectorsResponse200Status | Unset = UNSET
    event_time: PostVectorsResponse200EventTime | Unset = UNSET
    rows: list[PostVectorsResponse200RowsItem] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        service = self.service

        version = self.version

        fingerprint = self.fingerprint

        as_of: None | str
        as_of = self.as_of

        features = self.features

        vectors: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.vectors, Unset):
            vectors = []
            for vectors_item_data in self.vectors:
                vectors_item = vectors_item_data.to_dict()
                vectors.append(vectors_item)

        columns: dict[str, Any] | Unset = UNSET
        if not isinstance(self.columns, Unset):
            columns = self.columns.to_dict()

        status: dict[str, Any] | Unset = UNSET
        if not isinstance(self.status, Unset):
            status = self.status.to_dict()

        event_time: dict[str, Any] | Unset = UNSET
        if not isinstance(self.event_time, Unset):
            event_time = self.event_time.to_dict()

        rows: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.rows, Unset):
            rows = []
            for rows_item_data in self.rows:
                rows_item = rows_item_data.to_dict()
                rows.append(rows_item)

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "service": service,
                "version": version,
                "fingerprint": fingerprint,
                "as_of": as_of,
                "features": features,
            }
        )
        if vectors is not UNSET:
            field_dict["vectors"] = vectors
        if columns is not UNSET:
            field_dict["columns"] = columns
        if status is not UNSET:
            field_dict["status"] = status
        if event_time is not UNSET:
            field_dict["event_time"] = event_time
        if rows is not UNSET:
            field_dict["rows"] = rows

        return field_dict

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        from ..models.post_vectors_response_200_columns import (
            PostVectorsResponse200Columns,
        )
        from ..models.post_vectors_response_200_event_time import (
            PostVectorsResponse200EventTime,
        )
        from ..models.post_vectors_response_200_rows_item import (
            PostVectorsResponse200RowsItem,
        )
        from ..models.post_vectors_response_200_status import (
            PostVectorsResponse200Status,
        )
        from ..models.post_vectors_response_200_vectors_item import (
            PostVectorsResponse200VectorsItem,
        )

        d = dict(src_dict)
        service = d.pop("service")

        version = d.pop("version")

        fingerprint = d.pop("fingerprint")

        def _parse_as_of(data: object) -> None | str:
            if data is None:
                return data
            return cast(None | str, data)

        as_of = _parse_as_of(d.pop("as_of"))

        features = cast(list[str], d.pop("features"))

        _vectors = d.pop("vectors", UNSET)
        vectors: list[PostVectorsResponse200VectorsItem] | Unset = UNSET
        if _vectors is not UNSET:
            vectors = []
            for vectors_item_data in _vectors:
                vectors_item = PostVectorsResponse200VectorsItem.from_dict(
                    vectors_item_data
                )

                vectors.append(vectors_item)

        _columns = d.pop("columns", UNSET)
        columns: PostVectorsResponse200Columns | Unset
        if isinstance(_columns, Unset):
            columns = UNSET
        else:
            columns = PostVectorsResponse200Columns.from_dict(_columns)

        _status = d.pop("status", UNSET)
        status: PostVectorsResponse200Status | Unset
        if isinstance(_status, Unset):
            status = UNSET
        else:
            status = PostVectorsResponse200Status.from_dict(_status)

        _event_time = d.pop("event_time", UNSET)
        event_time: PostVectorsResponse200EventTime | Unset
        if isinstance(_event_time, Unset):
            event_time = UNSET
        else:
            event_time = PostVectorsResponse200EventTime.from_dict(_event_time)

        _rows = d.pop("rows", UNSET)
        rows: list[PostVectorsResponse200RowsItem] | Unset = UNSET
        if _rows is not UNSET:
            rows = []
            for rows_item_data in _rows:
                rows_item = PostVectorsResponse200RowsItem.from_dict(rows_item_data)

                rows.append(rows_item)

        post_vectors_response_200 = cls(
            service=service,
            version=version,
            fingerprint=fingerprint,
            as_of=as_of,
            features=features,
            vectors=vectors,
            columns=columns,
            status=status,
            event_time=event_time,
            rows=rows,
        )

        return post_vectors_response_200
