"""C2PA: a signed statement inside a PNG of who made it, and that a model did. Only where an operator set a key.

Reference: https://spec.c2pa.org, written by c2pa-python.
"""

import io
import json
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.conf import settings

TRAINED_MEDIA = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"


def is_on() -> bool:
    return bool(settings.C2PA_CERTIFICATES and settings.C2PA_KEY)


def sign_png(data: bytes, *, title: str) -> bytes:
    """The PNG with a signed manifest, or as it is where no key is set; what it says about the picture is public."""
    if not is_on():
        return data
    import c2pa  # its native library is loaded where it is used

    signed = io.BytesIO()
    without_thumbnail = c2pa.Context(c2pa.Settings.from_dict({"builder": {"thumbnail": {"enabled": False}}}))
    with c2pa.Builder(json.dumps(_manifest(title)), context=without_thumbnail) as builder:
        builder.sign(_signer(settings.C2PA_CERTIFICATES, settings.C2PA_KEY), "image/png", io.BytesIO(data), signed)
    return signed.getvalue()


def _manifest(title: str) -> dict[str, Any]:
    created = {"action": "c2pa.created", "digitalSourceType": TRAINED_MEDIA, "softwareAgent": {"name": "Salon"}}
    return {
        "claim_generator_info": [{"name": "Salon"}],
        "title": title,
        "assertions": [{"label": "c2pa.actions", "data": {"actions": [created]}}],
    }


@cache
def _signer(certificates: Path, key: Path) -> Any:
    """Made once: both files are read when a process signs its first picture."""
    import c2pa

    private = key.read_bytes()
    algorithm = _algorithm_of(load_pem_private_key(private, password=None))
    return c2pa.Signer.from_info(
        c2pa.C2paSignerInfo(alg=algorithm, sign_cert=certificates.read_bytes(), private_key=private, ta_url=None)
    )


def _algorithm_of(key: Any) -> bytes:
    """As C2PA names it."""
    if isinstance(key, rsa.RSAPrivateKey):
        return b"ps256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return b"ed25519"
    return b"es384" if key.curve.key_size == 384 else b"es256"
