import hashlib
import hmac
import re

import msgspec
import pytest
from cryptography.fernet import Fernet

from gatewayz.domain.identity.keys import KeyUnreadable, KeyVault, has_key_shape, masked_key
from gatewayz.sdk.secret import Secret

RING = {version: Secret(Fernet.generate_key().decode()) for version in (1, 2)}


def vault(version: int = 1, *, versions: tuple[int, ...] = (1, 2), salt: str = "salt" * 8) -> KeyVault:
    return KeyVault(Secret(salt), {number: RING[number] for number in versions}, version)


@pytest.mark.parametrize(
    ("tag", "prefix"), [("live", "live"), ("test", "test"), ("staging", "staging"), ("development", "dev")]
)
def test_keys_have_the_published_form(tag: str, prefix: str) -> None:
    minted = vault().mint(tag)  # type: ignore[arg-type]
    text = minted.text.reveal()
    assert re.fullmatch(rf"gw_{prefix}_[A-Za-z0-9_-]{{43}}", text)
    assert has_key_shape(text.encode())
    assert minted.sealed.last_four == text[-4:]
    assert masked_key(tag, text[-4:]) == f"gw_{prefix}_…{text[-4:]}"


def test_the_look_up_hash_is_a_keyed_digest() -> None:
    minted = vault().mint("live")
    expected = hmac.new(b"salt" * 8, minted.text.reveal().encode(), hashlib.sha256).digest()
    assert minted.sealed.lookup_hash == expected == vault().lookup_hash(minted.text.reveal().encode())
    assert vault(salt="other" * 8).lookup_hash(minted.text.reveal().encode()) != expected


def test_the_text_is_nowhere_in_what_is_kept_and_the_keyring_brings_it_back() -> None:
    minted = vault(2).mint("live")
    kept = msgspec.json.encode(minted.sealed)
    assert minted.text.reveal().encode() not in kept
    assert vault().open(minted.sealed) == minted.text
    assert Fernet(RING[2].reveal()).decrypt(minted.sealed.ciphertext).endswith(minted.text.reveal().encode())
    assert "***" in repr(minted)


def test_the_ciphertext_of_another_row_is_refused() -> None:
    mine, other = vault().mint("live").sealed, vault().mint("live").sealed
    with pytest.raises(KeyUnreadable):
        vault().open(msgspec.structs.replace(mine, ciphertext=other.ciphertext))


def test_a_ciphertext_of_another_purpose_is_refused() -> None:
    minted = vault().mint("live")
    sealed = minted.sealed
    payload = b"webhooks\0" + sealed.lookup_hash.hex().encode() + b"\0" + minted.text.reveal().encode()
    foreign = Fernet(RING[1].reveal()).encrypt(payload)
    with pytest.raises(KeyUnreadable):
        vault().open(msgspec.structs.replace(sealed, ciphertext=foreign))


@pytest.mark.parametrize("damage", [b"", b"nonsense", bytes(range(80))])
def test_damaged_ciphertext_is_refused(damage: bytes) -> None:
    with pytest.raises(KeyUnreadable):
        vault().open(msgspec.structs.replace(vault().mint("live").sealed, ciphertext=damage))


def test_resealing_moves_to_the_current_version_and_keeps_the_key() -> None:
    minted = vault(1).mint("live")
    resealed = vault(2).reseal(minted.sealed)
    assert (resealed.cipher_version, resealed.lookup_hash) == (2, minted.sealed.lookup_hash)
    assert vault(2, versions=(2,)).open(resealed) == minted.text
    with pytest.raises(KeyUnreadable, match="no version 1"):
        vault(2, versions=(2,)).open(minted.sealed)
