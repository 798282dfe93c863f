"""What a picture's file says about itself: its parameters in two PNG chunks, and the mark of a picture made by a model.

Every copy that leaves the site, apart from the training JPEG, carries the IPTC mark; it stays even where a member
hides the prompt.
"""

import io

import PIL.Image
from PIL.PngImagePlugin import PngInfo

from generation.media.provenance import TRAINED_MEDIA as TRAINED_MEDIA
from generation.media.provenance import sign_png
from generation.parameters import Parameters
from lib.images import open_stored

XMP = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'Iptc4xmpExt:DigitalSourceType="{TRAINED_MEDIA}"/></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
)


def xmp_of(public_id: str) -> bytes:
    """The mark and the picture's public id, by which its settings are found again by whoever may see them."""
    ours = f'xmlns:salon="urn:salon:picture" salon:picture="{public_id}" Iptc4xmpExt:DigitalSourceType='
    return XMP.replace("Iptc4xmpExt:DigitalSourceType=", ours).encode()


def png(picture: PIL.Image.Image, parameters: Parameters | None, *, public_id: str = "") -> bytes:
    """The original as PNG, signed where an operator set a key; without parameters it holds the mark alone."""
    info = PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP)
    if parameters is not None:
        info.add_text("parameters", parameters.as_a1111())
        info.add_itxt("salon", parameters.as_json(public_id=public_id))
    stream = io.BytesIO()
    picture.save(stream, "PNG", pnginfo=info)
    return sign_png(stream.getvalue(), title=public_id or "A picture of Salon")


def without_parameters(data: bytes) -> bytes:
    """A PNG of ours with the same pixels and the mark, but nothing about how it was made."""
    return png(open_stored(data), None)
