"""Routes that refuse parameters of the query that they do not know, which would otherwise be left out silently."""

from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute


class StrictRoute(APIRoute):
    """A route whose query has only parameters that the OpenAPI document names."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler with that look before it; a request without a query pays nothing."""
        handle = super().get_route_handler()
        known = list(_parameters(self.dependant))
        asked = {dependency.call for dependency in self.dependant.dependencies}

        async def handle_known(request: Request) -> Response:
            if request.scope["query_string"] and (others := request.query_params.keys() - known):
                grant = request.app.state.server.access.grant
                if grant in asked:  # who has no key is told that first
                    await grant(request)
                raise RequestValidationError([_unknown(name, known) for name in sorted(others)])
            return await handle(request)

        return handle_known


def _parameters(of: Dependant) -> Iterator[str]:
    yield from (field.alias for field in of.query_params)
    for dependency in of.dependencies:
        yield from _parameters(dependency)


def _unknown(name: str, known: list[str]) -> dict[str, Any]:
    there_are = f"there are {', '.join(known)}" if known else "there are none"
    return {"loc": ("query", name), "msg": f"there is no such parameter; {there_are}"}
