"""What the file routes take and show. Source: OpenAI API reference, Files."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["DeletedFile", "FileList", "FileObject", "FilesQuery"]

PublicId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]


class FilesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/files`."""

    after: PublicId | None = None
    """Id of the last file of the page before."""
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 10_000
    order: Literal["asc", "desc"] = "desc"
    """Of the moments they were made."""
    purpose: Annotated[str, Meta(max_length=32)] | None = None


class FileObject(msgspec.Struct, frozen=True, kw_only=True):
    """A file; moments are in Unix seconds."""

    id: str
    object: Literal["file"] = "file"
    bytes: int
    created_at: int
    expires_at: int | None
    filename: str
    purpose: str
    status: Literal["processed"] = "processed"
    status_details: None = None


class FileList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of files."""

    object: Literal["list"] = "list"
    data: list[FileObject]
    first_id: str | None
    last_id: str | None
    has_more: bool


class DeletedFile(msgspec.Struct, frozen=True, kw_only=True):
    """What is told of a file that is gone."""

    id: str
    object: Literal["file"] = "file"
    deleted: Literal[True] = True
