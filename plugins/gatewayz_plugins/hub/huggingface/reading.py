"""The hub's JSON to our values. After its public clients (huggingface_hub); not checked against the hub itself."""

from typing import Any, Final, TypeVar

import msgspec

from gatewayz.sdk.errors import UpstreamBroken
from gatewayz.sdk.hub import HubAuthor, HubFile, HubModel

__all__ = ["read_author", "read_files", "read_model", "read_models"]

T = TypeVar("T")


_CAMEL: Final = {
    "created_at": "createdAt",
    "last_modified": "lastModified",
    "inference_provider_mapping": "inferenceProviderMapping",
}


class _Tensors(msgspec.Struct):
    total: int | None = None


class _Lfs(msgspec.Struct):
    sha256: str | None = None
    size: int | None = None


class _Sibling(msgspec.Struct, rename="camel"):
    rfilename: str
    size: int | None = None
    blob_id: str | None = None
    lfs: _Lfs | None = None


class _Model(msgspec.Struct, rename=_CAMEL):
    id: str
    author: str | None = None
    downloads: int | None = None
    likes: int | None = None
    pipeline_tag: str | None = None
    library_name: str | None = None
    safetensors: _Tensors | None = None
    gated: bool | str | None = None
    private: bool | None = None
    created_at: str | None = None
    last_modified: str | None = None
    tags: tuple[str, ...] = ()
    siblings: tuple[_Sibling, ...] = ()
    inference_provider_mapping: Any = None


class _Author(msgspec.Struct, rename="camel"):
    name: str | None = None
    user: str | None = None
    fullname: str | None = None
    avatar_url: str | None = None
    num_followers: int | None = None


def read_models(body: bytes) -> tuple[HubModel, ...]:
    """Return the models of a list. Raises UpstreamBroken."""
    return tuple(_model(found) for found in _decode(body, tuple[_Model, ...]))


def read_model(body: bytes) -> HubModel:
    """Return one model. Raises UpstreamBroken."""
    return _model(_decode(body, _Model))


def read_files(body: bytes) -> tuple[HubFile, ...]:
    """Return the files of one model. Raises UpstreamBroken."""
    return tuple(
        HubFile(
            name=each.rfilename,
            size=each.size if each.size is not None or each.lfs is None else each.lfs.size,
            blob_id=each.blob_id,
            sha256=None if each.lfs is None else each.lfs.sha256,
        )
        for each in _decode(body, _Model).siblings
    )


def read_author(body: bytes, name: str, base_url: str) -> HubAuthor:
    """Return an author; addresses may be given relative to the hub. Raises UpstreamBroken."""
    found = _decode(body, _Author)
    avatar = found.avatar_url
    return HubAuthor(
        name=found.name or found.user or name,
        fullname=found.fullname,
        avatar_url=f"{base_url}{avatar}" if avatar is not None and avatar.startswith("/") else avatar,
        follower_count=found.num_followers,
    )


def _model(found: _Model) -> HubModel:
    licenses = [tag.removeprefix("license:") for tag in found.tags if tag.startswith("license:")]
    return HubModel(
        id=found.id,
        author=found.author or found.id.partition("/")[0],
        downloads=found.downloads,
        likes=found.likes,
        pipeline_tag=found.pipeline_tag,
        library=found.library_name,
        parameters=None if found.safetensors is None else found.safetensors.total,
        license=licenses[0] if licenses else None,
        gated=None if found.gated is None else bool(found.gated),
        private=found.private,
        created_at=found.created_at,
        last_modified=found.last_modified,
        tags=found.tags,
        inference_providers=_providers(found.inference_provider_mapping),
    )


def _providers(mapping: Any) -> tuple[str, ...]:
    """Return names of a mapping, which is an object in older answers and a list in newer ones."""
    if isinstance(mapping, dict):
        return tuple(sorted(str(name) for name in mapping))
    if isinstance(mapping, list):
        return tuple(sorted(str(each["provider"]) for each in mapping if isinstance(each, dict) and "provider" in each))
    return ()


def _decode(body: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as err:
        raise UpstreamBroken("the model hub's answer cannot be read") from err
