"""Which modules may open pictures."""

import ast

from tests.services import ROOT

OPENS_FILES = {
    "config/local/tour.py": "screenshots that our own browser took",
    "lib/images/__init__.py": "open_stored: files that the site encoded",
    "generation/media/texts.py": "the texts of PNG and JPEG, which Pillow reads in Python; no pixel is decoded",
    "ratings/alignment/data.py": "a command that trains on a release; it reads the sizes from the headers",
    "ratings/releases/publishing/verification.py": "a command that checks the files of a release",
}


def test_no_other_module_opens_pictures() -> None:
    """Pillow's `open` chooses a decoder by what a stranger sent, and runs it in our process."""
    packages = ["accounts", "moderation", "generation", "feed", "ratings", "config", "lib"]
    found = {
        str(file.relative_to(ROOT))
        for package in packages
        for file in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and _opens_a_picture(node)
    }
    assert found == set(OPENS_FILES)


def _opens_a_picture(call: ast.Call) -> bool:
    named = ast.unparse(call.func)
    return named in {"Image.open", "PIL.Image.open", "PIL.ImageFile.Parser", "ImageFile.Parser", "cv2.imdecode",
                     "imageio.imread", "PILImage.open", "load_image"}  # fmt: skip
