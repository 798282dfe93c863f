"""C2PA: where a key is set, a PNG carries a signed statement that a model made it, and keeps everything else."""

import datetime
import io
import json
from pathlib import Path

import c2pa
import PIL.Image
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pytest_django.fixtures import Settings

from accounts.models import User
from generation.media import provenance, storage
from generation.media.metadata import without_parameters
from generation.parameters import Parameters
from tests.generation.fixtures import MakeImage, drawn

Key = ec.EllipticCurvePrivateKey
USAGES = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
          "key_cert_sign", "crl_sign", "encipher_only", "decipher_only")  # fmt: skip


def certificate(subject: str, issuer: str, key: Key, signer: Key) -> x509.Certificate:
    """Of an authority for itself, or of a leaf that may sign."""
    is_root, now, day = subject == issuer, datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    named, by = (x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, each)]) for each in (subject, issuer))
    usages = {"key_cert_sign", "crl_sign"} if is_root else {"digital_signature"}
    made = (
        x509.CertificateBuilder().subject_name(named).issuer_name(by).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - day).not_valid_after(now + 30 * day)
        .add_extension(x509.BasicConstraints(is_root, None), True)
        .add_extension(x509.KeyUsage(**{name: name in usages for name in USAGES}), True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False)
    )  # fmt: skip
    if not is_root:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
    return made.sign(signer, hashes.SHA256())


@pytest.fixture
def root(tmp_path: Path, settings: Settings) -> str:
    """The authority that signed the site's certificate, as PEM; the settings name the site's chain and key."""
    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    top = certificate("Authority", "Authority", authority, authority)
    leaf = certificate("A site", "Authority", own, authority)
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    chain.write_bytes(leaf.public_bytes(Encoding.PEM) + top.public_bytes(Encoding.PEM))
    key.write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    settings.C2PA_CERTIFICATES, settings.C2PA_KEY = chain, key
    return top.public_bytes(Encoding.PEM).decode()


def read(data: bytes, root: str) -> c2pa.Reader:
    trusting = c2pa.Context(c2pa.Settings.from_dict({"trust": {"user_anchors": root}}))
    return c2pa.Reader("image/png", io.BytesIO(data), context=trusting)


@pytest.mark.django_db
def test_a_signed_png_says_that_a_model_made_it_and_keeps_its_settings_and_pixels(
    alice: User, make_image: MakeImage, root: str
) -> None:
    image = make_image(alice, prompt="a fox")
    data = storage.original_png(image)
    found = read(data, root)
    manifest = json.loads(found.json())
    claim = manifest["manifests"][manifest["active_manifest"]]
    assert found.get_validation_state() == "Trusted"
    assert (claim["title"], claim["signature_info"]["issuer"]) == (image.public_id, "A site")
    (action,) = claim["assertions"][0]["data"]["actions"]
    assert (action["action"], action["digitalSourceType"]) == ("c2pa.created", provenance.TRAINED_MEDIA)
    assert "fox" not in found.json()
    with PIL.Image.open(io.BytesIO(data)) as opened:
        assert opened.text["parameters"] == Parameters.of(image).as_a1111()  # type: ignore[attr-defined]
        assert opened.convert("RGB").tobytes() == drawn(image).tobytes()
    assert read(without_parameters(data), root).get_validation_state() == "Trusted"


@pytest.mark.django_db
def test_a_changed_pixel_breaks_the_signature_and_without_a_key_there_is_none(
    alice: User, make_image: MakeImage, root: str, settings: Settings
) -> None:
    data = bytearray(storage.original_png(make_image(alice)))
    data[data.rindex(b"IDAT") + 40] ^= 1
    assert read(bytes(data), root).get_validation_state() == "Invalid"
    settings.C2PA_KEY = None
    with pytest.raises(c2pa.C2paError, match="ManifestNotFound"):
        read(storage.original_png(make_image(alice)), root)
