"""Every component on one page, with made-up content; mounted only where DEBUG is on."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

_SIZES = [(1, 1), (3, 4), (4, 3), (1, 1), (9, 16), (16, 9), (2, 3), (1, 1), (3, 2), (4, 5)]
_PROMPTS = [
    "a fox asleep in a lighthouse, evening, soft lamplight on the stairs",
    "two pears on a linen cloth, after Zurbarán",
    "a glass greenhouse at the edge of the sea",
    None,
    "the last tram in a snowed-in city, seen from a bridge, blue hour, 35 mm",
]
LAST_PAGE = 4
_NAMES = ["alice", "bob", "wilhelmina-of-the-long-name", "mallory", "rita"]


def _picture(number: int, width: int, height: int) -> str:
    """A drawn stand-in for a generated picture, as a data URI."""
    hue = number * 47 % 360
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" preserveAspectRatio="xMidYMid slice">'
        f'<rect width="100%" height="100%" fill="hsl({hue} 42% 62%)"/>'
        f'<circle cx="{width * 0.62}" cy="{height * 0.4}" r="{width * 0.26}" fill="hsl({(hue + 40) % 360} 70% 78%)"/>'
        f'<path d="M0 {height} L{width * 0.4} {height * 0.52} L{width} {height}Z" fill="hsl({hue} 38% 34%)"/></svg>'
    )
    return "data:image/svg+xml," + quote(svg)


def _card(number: int) -> dict[str, Any]:
    width, height = (side * 64 for side in _SIZES[number % len(_SIZES)])
    return {
        "id": f"card{number}",
        "url": f"#card{number}",
        "src": _picture(number, width, height),
        "width": width,
        "height": height,
        "alt": _PROMPTS[number % 5] or "a picture whose prompt is hidden",
        "author_name": _NAMES[number % 5],
        "author_url": "#author",
        "likes": number * number * 7 % 1300,
        "liked": number % 3 == 0,
        "like_url": "#like",
        "save_url": "#save",
        "remix_url": "#remix",
        "prompt": _PROMPTS[number % 5],
        "badges": ["Entry"] if number == 4 else [],
    }


class SampleForm(forms.Form):
    title = forms.CharField(help_text="Shown under the picture.")
    bio = forms.CharField(required=False, widget=forms.Textarea)
    checkpoint = forms.ChoiceField(choices=[("starter", "Starter"), ("sdxl", "SDXL")])
    aspect = forms.ChoiceField(choices=[("1:1", "1:1"), ("3:4", "3:4"), ("16:9", "16:9")], widget=forms.RadioSelect)
    agree = forms.BooleanField(required=False, help_text="You can change your mind later.", label="May be published")


def show(request: HttpRequest) -> HttpResponse:
    page = min(int(request.GET.get("page", "1")), LAST_PAGE)
    asked = SampleForm({"title": "", "aspect": "1:1", "checkpoint": "starter"})
    return render(
        request,
        "styleguide.html",
        {
            "cards": [_card(number) for number in range(24 * (page - 1), 24 * page)],
            "next_url": f"?page={page + 1}" if page < LAST_PAGE else "",
            "picture": _card(2),
            "placeholder": _picture(5, 8, 8),
            "form": asked,
            "closes_at": timezone.now() + timedelta(hours=3, minutes=12),
            "steps": range(1, 6),
        },
    )
