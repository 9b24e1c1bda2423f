from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import AuthenticatedClient, Client
from ...models.post_vectors_body import PostVectorsBody
from ...models.post_vectors_response_200 import PostVectorsResponse200
from ...models.problem import Problem
from ...types import Response


def _get_kwargs(
    service: str,
    *,
    body: PostVectorsBody,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/feature-services/{service}/vectors".format(
            service=quote(str(service), safe=""),
        ),
    }

    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"

    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> PostVectorsResponse200 | Problem | None:
    if response.status_code == 200:
        response_200 = PostVectorsResponse200.from_dict(response.json())

        return response_200

    if response.status_code == 400:
        response_400 = Problem.from_dict(response.json())

        return response_400

    if response.status_code == 401:
        response_401 = Problem.from_dict(response.json())

        return response_401

    if response.status_code == 403:
        response_403 = Problem.from_dict(response.json())

        return response_403

    if response.status_code == 404:
        response_404 = Problem.from_dict(response.json())

        return response_404

    if response.status_code == 406:
        response_406 = Problem.from_dict(response.json())

        return response_406

    if response.status_code == 409:
        response_409 = Problem.from_dict(response.json())

        return response_409

    if response.status_code == 413:
        response_413 = Problem.from_dict(response.json())

        return response_413

    if response.status_code == 415:
        response_415 = Problem.from_dict(response.json())

        return response_415

    if response.status_code == 429:
        response_429 = Problem.from_dict(response.json())

        return response_429

    if response.status_code == 500:
        response_500 = Problem.from_dict(response.json())

        return response_500

    if response.status_code == 503:
        response_503 = Problem.from_dict(response.json())

        return response_503

    if client.raise_on_unexpected_status:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    else:
        return None


def _build_response(
    *, client: AuthenticatedClient | Client, response: httpx.Response
) -> Response[PostVectorsResponse200 | Problem]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(client=client, response=response),
    )


def sync_detailed(
    service: str,
    *,
    client: AuthenticatedClient,
    body: PostVectorsBody,
) -> Response[PostVectorsResponse200 | Problem]:
    """Feature vectors for entities

     Evaluates a feature service for each row at `as_of`. A value is exact, or is withheld or flagged by
    a status that is always in the response.

    Needs a key with `read:{service}`.

    Args:
        service (str):
        body (PostVectorsBody):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PostVectorsResponse200 | Problem]
    """

    kwargs = _get_kwargs(
        service=service,
        body=body,
    )

    response = client.get_httpx_client().request(
        **kwargs,
    )

    return _build_response(client=client, response=response)


def sync(
    service: str,
    *,
    client: AuthenticatedClient,
    body: PostVectorsBody,
) -> PostVectorsResponse200 | Problem | None:
    """Feature vectors for entities

     Evaluates a feature service for each row at `as_of`. A value is exact, or is withheld or flagged by
    a status that is always in the response.

    Needs a key with `read:{service}`.

    Args:
        service (str):
        body (PostVectorsBody):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PostVectorsResponse200 | Problem
    """

    return sync_detailed(
        service=service,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    service: str,
    *,
    client: AuthenticatedClient,
    body: PostVectorsBody,
) -> Response[PostVectorsResponse200 | Problem]:
    """Feature vectors for entities

     Evaluates a feature service for each row at `as_of`. A value is exact, or is withheld or flagged by
    a status that is always in the response.

    Needs a key with `read:{service}`.

    Args:
        service (str):
        body (PostVectorsBody):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        Response[PostVectorsResponse200 | Problem]
    """

    kwargs = _get_kwargs(
        service=service,
        body=body,
    )

    response = await client.get_async_httpx_client().request(**kwargs)

    return _build_response(client=client, response=response)


async def asyncio(
    service: str,
    *,
    client: AuthenticatedClient,
    body: PostVectorsBody,
) -> PostVectorsResponse200 | Problem | None:
    """Feature vectors for entities

     Evaluates a feature service for each row at `as_of`. A value is exact, or is withheld or flagged by
    a status that is always in the response.

    Needs a key with `read:{service}`.

    Args:
        service (str):
        body (PostVectorsBody):

    Raises:
        errors.UnexpectedStatus: If the server returns an undocumented status code and Client.raise_on_unexpected_status is True.
        httpx.TimeoutException: If the request takes longer than Client.timeout.

    Returns:
        PostVectorsResponse200 | Problem
    """

    return (
        await asyncio_detailed(
            service=service,
            client=client,
            body=body,
        )
    ).parsed
