"""`GET /v1/alerts`: what fires, and what did lately."""

from fastapi import APIRouter

from app.api.server import Server


def router(server: Server) -> APIRouter:  # noqa: ARG001  # its routes will need it
    """The routes."""
    return APIRouter(tags=["alerts"])
