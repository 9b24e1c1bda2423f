"""Contains all the data models used in inputs/outputs"""

from .post_vectors_body import PostVectorsBody
from .post_vectors_body_common import PostVectorsBodyCommon
from .post_vectors_body_entities_item import PostVectorsBodyEntitiesItem
from .post_vectors_body_include_item import PostVectorsBodyIncludeItem
from .post_vectors_body_layout import PostVectorsBodyLayout
from .post_vectors_response_200 import PostVectorsResponse200
from .post_vectors_response_200_columns import PostVectorsResponse200Columns
from .post_vectors_response_200_event_time import PostVectorsResponse200EventTime
from .post_vectors_response_200_rows_item import PostVectorsResponse200RowsItem
from .post_vectors_response_200_rows_item_explain import (
    PostVectorsResponse200RowsItemExplain,
)
from .post_vectors_response_200_rows_item_explain_additional_property import (
    PostVectorsResponse200RowsItemExplainAdditionalProperty,
)
from .post_vectors_response_200_rows_item_issues import (
    PostVectorsResponse200RowsItemIssues,
)
from .post_vectors_response_200_status import PostVectorsResponse200Status
from .post_vectors_response_200_vectors_item import PostVectorsResponse200VectorsItem
from .post_vectors_response_200_vectors_item_explain import (
    PostVectorsResponse200VectorsItemExplain,
)
from .post_vectors_response_200_vectors_item_explain_additional_property import (
    PostVectorsResponse200VectorsItemExplainAdditionalProperty,
)
from .post_vectors_response_200_vectors_item_issues import (
    PostVectorsResponse200VectorsItemIssues,
)
from .problem import Problem
from .problem_item import ProblemItem
from .status import Status

__all__ = (
    "PostVectorsBody",
    "PostVectorsBodyCommon",
    "PostVectorsBodyEntitiesItem",
    "PostVectorsBodyIncludeItem",
    "PostVectorsBodyLayout",
    "PostVectorsResponse200",
    "PostVectorsResponse200Columns",
    "PostVectorsResponse200EventTime",
    "PostVectorsResponse200RowsItem",
    "PostVectorsResponse200RowsItemExplain",
    "PostVectorsResponse200RowsItemExplainAdditionalProperty",
    "PostVectorsResponse200RowsItemIssues",
    "PostVectorsResponse200Status",
    "PostVectorsResponse200VectorsItem",
    "PostVectorsResponse200VectorsItemExplain",
    "PostVectorsResponse200VectorsItemExplainAdditionalProperty",
    "PostVectorsResponse200VectorsItemIssues",
    "Problem",
    "ProblemItem",
    "Status",
)
