"""API keys: how they are made, found again and kept.

A key is `gw_{env}_` and 43 URL-safe characters of 32 random bytes. It is looked up by
HMAC-SHA256(salt, key) and kept as Fernet ciphertext; the text itself is nowhere. Inside the
ciphertext stand the purpose and the look-up hash of its own row, so that the ciphertext of another
row, or of another purpose, is refused when it is opened.
Source: spec 00 §3; design 5, 11.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from secrets import token_bytes
from typing import TYPE_CHECKING, Final

import msgspec

from gatewayz.domain.identity.caller import EnvironmentTag
from gatewayz.sdk.errors import GatewayzError
from gatewayz.sdk.secret import Secret
from gatewayz.store.records import Sealed

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

__all__ = ["KEY_LENGTH_LIMIT", "KeyUnreadable", "KeyVault", "MintedKey", "has_key_shape", "masked_key"]

PREFIXES: Final[Mapping[str, str]] = {
    "live": "gw_live_",
    "test": "gw_test_",
    "staging": "gw_staging_",
    "development": "gw_dev_",
}
KEY_LENGTH_LIMIT: Final = 64
"""Bytes; every key of ours is shorter."""
_SHAPE: Final = re.compile(rb"gw_(?:live|test|staging|dev)_[A-Za-z0-9_-]{43}")
_PURPOSE: Final = b"api_keys"


class KeyUnreadable(GatewayzError):
    """A kept key cannot be opened: its version is not in the keyring, or the row was tampered with."""

    default_code = "CONFIGURATION_ERROR"


class MintedKey(msgspec.Struct, frozen=True, kw_only=True):
    """A new key: its text, to be shown once, and what is kept of it."""

    text: Secret
    sealed: Sealed


class KeyVault:
    """Salt and keyring of this gateway.

    :param salt: key of the look-up hash, at least 16 bytes.
    :param keyring: version to Fernet key (base64); old versions stay readable.
    :param version: the version that encrypts.
    :param draw: source of random bytes.
    """

    __slots__ = ("_draw", "_fernets", "_keyring", "_salt", "version")

    def __init__(
        self, salt: Secret, keyring: Mapping[int, Secret], version: int, draw: Callable[[int], bytes] = token_bytes
    ) -> None:
        self._salt = salt.reveal().encode()
        self._keyring = dict(keyring)
        self._fernets: dict[int, Fernet] = {}
        self._draw = draw
        self.version = version

    def lookup_hash(self, credential: bytes) -> bytes:
        """Return the 32 bytes a key is found by."""
        return hmac.digest(self._salt, credential, "sha256")

    def derive(self, purpose: bytes, nonce: bytes) -> bytes:
        """Return 32 bytes that only this salt gives for a nonce; of other purposes they say nothing."""
        return hmac.digest(self._salt, b"derived\0" + purpose + b"\0" + nonce, "sha256")

    def mint(self, environment_tag: EnvironmentTag) -> MintedKey:
        """Return a new key."""
        text = PREFIXES[environment_tag] + urlsafe_b64encode(self._draw(32)).rstrip(b"=").decode()
        return MintedKey(text=Secret(text), sealed=self._seal(text.encode()))

    def open(self, sealed: Sealed) -> Secret:
        """Return the text of a kept key. Raises KeyUnreadable."""
        # Authenticating needs no Fernet; the import is left to those who open or make keys (50 ms).
        from cryptography.fernet import InvalidToken  # noqa: PLC0415

        try:
            payload = self._fernet(sealed.cipher_version).decrypt(sealed.ciphertext)
        except InvalidToken as err:
            raise KeyUnreadable(
                f"A kept key does not open with version {sealed.cipher_version} of the keyring."
            ) from err
        context, _, text = payload.rpartition(b"\0")
        if context != _context(sealed.lookup_hash) or self.lookup_hash(text) != sealed.lookup_hash:
            raise KeyUnreadable("A kept key belongs to another row.")
        return Secret(text.decode())

    def reseal(self, sealed: Sealed) -> Sealed:
        """Return the same key under the current version. Raises KeyUnreadable."""
        return self._seal(self.open(sealed).reveal().encode())

    def seal(self, content: bytes, purpose: bytes) -> bytes:
        """Return what nobody without the keyring can read or make up; it opens for the same purpose only."""
        return self._fernet(self.version).encrypt(_bound(purpose) + content)

    def unseal(self, sealed: bytes, purpose: bytes) -> bytes:
        """Return what `seal` was given, under the current version. Raises KeyUnreadable."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415  (as in `open`)

        try:
            content = self._fernet(self.version).decrypt(sealed)
        except InvalidToken as err:
            raise KeyUnreadable(f"This was not sealed by version {self.version} of the keyring.") from err
        if not content.startswith(_bound(purpose)):
            raise KeyUnreadable("This was sealed for something else.")
        return content[len(_bound(purpose)) :]

    def _seal(self, text: bytes) -> Sealed:
        lookup_hash = self.lookup_hash(text)
        payload = _context(lookup_hash) + b"\0" + text
        return Sealed(
            lookup_hash=lookup_hash,
            ciphertext=self._fernet(self.version).encrypt(payload),
            cipher_version=self.version,
            last_four=text[-4:].decode(),
        )

    def _fernet(self, version: int) -> "Fernet":
        """Return the cipher of a version. Raises KeyUnreadable when the keyring has no such version."""
        if (fernet := self._fernets.get(version)) is not None:
            return fernet
        from cryptography.fernet import Fernet  # noqa: PLC0415  (as above)

        if (key := self._keyring.get(version)) is None:
            raise KeyUnreadable(f"keys.keyring has no version {version}.")
        fernet = self._fernets[version] = Fernet(key.reveal().encode())
        return fernet


def has_key_shape(credential: bytes) -> bool:
    """Return whether a credential can be a key of ours at all."""
    return _SHAPE.fullmatch(credential) is not None


def masked_key(environment_tag: str, last_four: str) -> str:
    """Return a key as lists show it: `gw_live_…AbCd`."""
    return f"{PREFIXES.get(environment_tag, 'gw_')}…{last_four}"


def _bound(purpose: bytes) -> bytes:
    return len(purpose).to_bytes(2, "big") + purpose


def _context(lookup_hash: bytes) -> bytes:
    return _PURPOSE + b"\0" + lookup_hash.hex().encode()
