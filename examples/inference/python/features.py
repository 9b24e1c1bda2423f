"""Features for a model, over the generated client.

A request has a time limit, what may be tried again is, and what comes back is a NumPy matrix. A value that is not there is NaN.
"""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx
import numpy as np
from skewless_client import AuthenticatedClient, Client
from skewless_client.api.vectors import post_vectors
from skewless_client.models import PostVectorsBody, PostVectorsResponse200, Problem
from skewless_client.types import UNSET

WAIT_FIRST_S = 0.05
# The server is busy or away, or the key has asked too often.
TRANSIENT = {429, 502, 503, 504}


class FeatureError(Exception):
    def __init__(self, problem: Problem | None):
        super().__init__("no answer that is known" if problem is None else problem.detail)
        self.problem = problem


@dataclass(frozen=True)
class Features:
    names: list[str]
    # Rows by features.
    matrix: np.ndarray
    # What is stale, withheld or refused, by row; empty where all is well.
    issues: dict[int, dict[str, str]]


class PatientTransport(httpx.BaseTransport):
    """Tries again, for reading twice does no harm; `timeout_s` is that of a request with all of its attempts."""

    def __init__(self, attempts: int, timeout_s: float, transport: httpx.BaseTransport | None = None):
        self._attempts = attempts
        self._timeout_s = timeout_s
        self._transport = transport or httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        deadline = time.monotonic() + self._timeout_s
        for attempt in range(1, self._attempts + 1):
            left = deadline - time.monotonic()
            if left <= 0:
                raise httpx.ReadTimeout("the time is up", request=request)
            request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), left)
            wait = WAIT_FIRST_S * 2 ** (attempt - 1) * (1 + random.random())
            try:
                response = self._transport.handle_request(request)
            except httpx.TransportError:
                if attempt == self._attempts or deadline - time.monotonic() <= wait:
                    raise
            else:
                if attempt == self._attempts or response.status_code not in TRANSIENT:
                    return response
                wait = float(response.headers.get("retry-after", wait))
                if deadline - time.monotonic() <= wait:
                    return response
                response.close()
            time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def close(self) -> None:
        self._transport.close()


class FeatureClient:
    def __init__(self, url: str, key: str | None = None, timeout_s: float = 1.0, attempts: int = 3):
        args = {"transport": PatientTransport(attempts, timeout_s)}
        self._budget_ms = max(1, round(timeout_s * 1_000))
        self._client = (
            Client(base_url=url, httpx_args=args)
            if key is None
            else AuthenticatedClient(base_url=url, token=key, httpx_args=args)
        )

    def features(
        self, service: str, entities: Sequence[Mapping[str, object]], names: Sequence[str] | None = None
    ) -> Features:
        body = PostVectorsBody.from_dict(
            {"entities": entities, "layout": "columns", "budget_ms": self._budget_ms}
            | ({} if names is None else {"features": list(names)})
        )
        answer = post_vectors.sync(service, client=self._client, body=body)
        if not isinstance(answer, PostVectorsResponse200):
            raise FeatureError(answer)
        columns = answer.columns.to_dict()
        matrix = np.column_stack([_numbers(columns[name]) for name in answer.features])
        return Features(list(answer.features), matrix, _issues(answer))


def _numbers(column: Sequence[object]) -> np.ndarray:
    return np.array([value if isinstance(value, (int, float)) else np.nan for value in column], dtype=np.float64)


def _issues(answer: PostVectorsResponse200) -> dict[int, dict[str, str]]:
    issues: dict[int, dict[str, str]] = {}
    for row, told in enumerate(answer.rows or []):
        found = {} if told.issues is UNSET else {name: str(status) for name, status in told.issues.to_dict().items()}
        if told.error is not UNSET:
            found[told.error.pointer or ""] = told.error.message
        if found:
            issues[row] = found
    return issues
