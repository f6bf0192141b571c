"""`/v1/files`, in OpenAI's shape. Source: OpenAI API reference, Files."""

from typing import Final
from urllib.parse import quote

from quart import Response

from gatewayz.areas.files.schema import DeletedFile, FileList, FileObject, FilesQuery
from gatewayz.areas.files.service import Upload, show_file, show_files
from gatewayz.web.form_stream import read_form
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def upload_file(call: Call) -> Response:
    """Keep a file; a form with `file`, `purpose` (`batch`) and perhaps `expires_after`."""
    with call.services.files.uploading(call.user_id):
        upload = Upload(call.services.files, call.user_id)
        try:
            async for piece in read_form():
                await upload.take(piece)
            file = await upload.finish()
        except BaseException:  # cancellation too: forget what came, then raise again
            call.edition.background.spawn(upload.discard())
            raise
    return json_response(show_file(file))


async def list_files(call: Call) -> Response:
    """The caller's files."""
    query = read_query(FilesQuery)
    found = await call.services.files.list_files(
        call.user_id,
        after=query.after,
        limit=query.limit + 1,
        is_newest_first=query.order == "desc",
        purpose=query.purpose,
    )
    return json_response(show_files(list(found), query.limit))


async def show_one_file(call: Call, file_id: str) -> Response:
    """What is known of a file."""
    return json_response(show_file(await call.services.files.find(call.user_id, file_id)))


async def give_content(call: Call, file_id: str) -> Response:
    """The content of a file, as it was sent or written."""
    file = await call.services.files.find(call.user_id, file_id)
    response = Response(call.services.files.content(file), content_type="application/octet-stream")
    response.headers["content-length"] = str(file.bytes)
    response.headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(file.filename, safe='')}"
    response.headers["x-content-type-options"] = "nosniff"
    response.timeout = None
    return response


async def delete_file(call: Call, file_id: str) -> Response:
    """Forget a file. A batch that has read it goes on."""
    await call.services.files.remove(call.user_id, file_id)
    return json_response(DeletedFile(id=file_id))


_F: Final = "/v1/files"
_ONE: Final = f"{_F}/<file_id>"

ROUTES: Final = (
    Route(method="POST", path=_F, handler=upload_file, guard="user", answer=FileObject, is_upload=True),
    Route(method="GET", path=_F, handler=list_files, guard="user", query=FilesQuery, answer=FileList),
    Route(method="GET", path=_ONE, handler=show_one_file, guard="user", answer=FileObject),
    Route(
        method="GET",
        path=f"{_ONE}/content",
        handler=give_content,
        guard="user",
        content_type="application/octet-stream",
    ),
    Route(method="DELETE", path=_ONE, handler=delete_file, guard="user", answer=DeletedFile),
)
