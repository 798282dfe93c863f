"""The Create form and what a remix fills into it; `services.submit_generation` says what is wrong with an input."""

import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from generation.catalogue.kinds import FROM_SOURCE, LABELS, Kind
from generation.catalogue.samplers import label as sampler_label
from generation.media.signing import Picture
from generation.models import Checkpoint, Generation, Image, Lora, Style, Upload
from generation.parameters import Wanted
from generation.requests.edits import FEATHER, MARGIN, MAX_FACTOR, MAX_FEATHER, MAX_MARGIN, Given, offer_of
from generation.requests.pictures import usable_pictures
from generation.services import submit_generation
from generation.validation import MAX_CLIP_SKIP, MAX_IMAGES, MAX_PROMPT, check_request
from generation.workspace.remixes import read_loras
from lib.errors import Refused
from lib.text.fields import LineField, TextField

CHECKED_ELSEWHERE = {
    "width": "size",
    "height": "size",
    "source_image": "source_file",
    "borders": "border_left",
    "kind": None,
}
EDITS = (Kind.INPAINT, Kind.OUTPAINT, Kind.UPSCALE)
MAX_LORA_HINTS = 12  # named beside the field
# the fields whose choices depend on the checkpoint; fetched when one is chosen, checked again when the form is sent
OF_CHECKPOINT = "#pick-style,#pick-size,#id_scheduler,#id_steps,#id_guidance,#id_loras,#hints"
_SHAPES = {(1, 1): _("Square"), (3, 2): _("Landscape"), (2, 3): _("Portrait")}


class CreateForm(forms.Form):
    prompt = TextField(
        required=False,
        strip=False,
        label=_("Prompt"),
        widget=forms.Textarea(
            attrs={"rows": 3, "autofocus": True, "data-submit-on-enter": True,
                   "placeholder": _("A purple bear on a yellow background")}
        ),
    )  # fmt: skip
    checkpoint = LineField(required=False, label=_("Checkpoint"), widget=forms.Select)
    style = LineField(required=False, label=_("Style"), widget=forms.RadioSelect)
    size = LineField(required=False, label=_("Shape"), widget=forms.RadioSelect)
    count = LineField(required=False, label=_("How many"), widget=forms.RadioSelect, initial="4")
    negative_prompt = TextField(
        required=False,
        label=_("Negative prompt"),
        help_text=_("What should not be in the picture."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    seed = LineField(
        required=False,
        label=_("Seed"),
        help_text=_("The same seed and settings give the same picture. Leave it empty for a random one."),
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    steps = LineField(required=False, label=_("Steps"), widget=forms.NumberInput(attrs={"min": 1}))
    guidance = LineField(
        required=False,
        label=_("Guidance"),
        help_text=_("How closely the picture follows the prompt."),
        widget=forms.NumberInput(attrs={"min": 0, "max": 20, "step": 0.5}),
    )
    scheduler = LineField(required=False, label=_("Sampler"), widget=forms.Select)
    clip_skip = LineField(
        required=False,
        label=_("Clip skip"),
        help_text=_("2 reads the text encoder one layer before its last."),
        widget=forms.NumberInput(attrs={"min": 1, "max": MAX_CLIP_SKIP, "placeholder": 1}),
    )
    loras = LineField(
        required=False,
        label=_("LoRAs"),
        help_text=_("Names and weights, separated by commas."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    source_file = forms.FileField(
        required=False,
        label=_("Start from a picture"),
        help_text=_("Choose, drop or paste one: PNG, JPEG, WebP or AVIF."),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/avif"}),
    )
    keep_source = forms.BooleanField(
        required=False,
        label=_("Start from the same picture"),
        help_text=_("Otherwise only the prompt is used."),
    )
    strength = LineField(
        required=False,
        label=_("Strength"),
        help_text=_("0.05 stays close to that picture, 1 ignores it."),
        widget=forms.NumberInput(attrs={"min": 0.05, "max": 1, "step": 0.05}),
    )
    start_from = LineField(required=False, widget=forms.HiddenInput)  # public id of an image or an upload
    source_size = LineField(required=False, widget=forms.HiddenInput)  # its pixels as 512x768, for the cost alone
    edit_kind = LineField(required=False, label=_("What to do with it"), widget=forms.RadioSelect)  # of catalogue.kinds
    mask_file = forms.FileField(
        required=False,
        label=_("Mask"),
        help_text=_("White is drawn anew, black stays."),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": "image/png"}),
    )
    mask_margin = LineField(
        required=False,
        label=_("Enlarge the mask"),
        widget=forms.NumberInput(attrs={"min": 0, "max": MAX_MARGIN, "placeholder": MARGIN}),
    )
    mask_feather = LineField(
        required=False,
        label=_("Soft edge"),
        widget=forms.NumberInput(attrs={"min": 0, "max": MAX_FEATHER, "placeholder": FEATHER}),
    )
    border_left = LineField(required=False, label=_("Left"), widget=forms.NumberInput(attrs={"min": 0, "step": 8}))
    border_top = LineField(required=False, label=_("Top"), widget=forms.NumberInput(attrs={"min": 0, "step": 8}))
    border_right = LineField(required=False, label=_("Right"), widget=forms.NumberInput(attrs={"min": 0, "step": 8}))
    border_bottom = LineField(required=False, label=_("Bottom"), widget=forms.NumberInput(attrs={"min": 0, "step": 8}))
    upscale_factor = LineField(
        required=False,
        label=_("Times larger"),
        widget=forms.NumberInput(attrs={"min": 1.1, "max": MAX_FACTOR, "step": 0.1, "placeholder": 2}),
    )
    control = LineField(required=False, label=_("Follow"), widget=forms.Select)
    control_file = forms.FileField(
        required=False,
        label=_("Picture to follow"),
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp,image/avif"}),
    )
    control_strength = LineField(
        required=False,
        label=_("How closely"),
        widget=forms.NumberInput(attrs={"min": 0, "max": 2, "step": 0.05, "placeholder": 1}),
    )
    references = LineField(required=False, label=_("Mood board"), widget=forms.HiddenInput)  # public ids, by commas
    reference_strength = LineField(
        required=False,
        label=_("Influence of the mood board"),
        widget=forms.NumberInput(attrs={"min": 0, "max": 1, "step": 0.05, "placeholder": 0.6}),
    )
    variation_strength = LineField(
        required=False,
        label=_("How far"),
        widget=forms.NumberInput(attrs={"min": 0, "max": 1, "step": 0.05, "placeholder": 0.2}),
    )
    variation_seed = LineField(required=False, label=_("Variation seed"), widget=forms.HiddenInput)
    is_draft = forms.BooleanField(required=False, widget=forms.HiddenInput)
    remix = LineField(required=False, widget=forms.HiddenInput)
    kind = LineField(required=False, widget=forms.HiddenInput)
    confirm_doubtful = forms.BooleanField(required=False, label=_("Generate anyway"))
    idempotency_key = LineField(required=False, widget=forms.HiddenInput)

    def __init__(
        self, *args: Any, checkpoints: list[Checkpoint], source: Image | Upload | None = None, **kwargs: Any
    ) -> None:
        """`source` is the picture that the remixed one was made from, where the member may use it."""
        super().__init__(*args, **kwargs)
        self.source = source
        self.offers_loras = self.offers_control = False
        self.edit_kinds: list[tuple[str, Any]] = []  # what can be done with a picture to start from
        self.samples: Mapping[str, Picture] = {}  # a picture of a style, by its slug
        self.offers_clip_skip = any(each.facts.has_clip_skip for each in checkpoints)
        if source is None:
            del self.fields["keep_source"]
        self.asks_to_confirm = False
        self.status = 422
        self.checkpoints = checkpoints
        self.chosen = self._chosen()
        self._offer("checkpoint", [(each.slug, each.name) for each in checkpoints])
        self.fields["checkpoint"].widget.attrs |= {
            "hx-get": reverse("generation:create"),
            "hx-trigger": "change",
            "hx-include": OF_CHECKPOINT,
            "hx-select-oob": OF_CHECKPOINT,
            "hx-swap": "none",
        }
        self._offer("count", [(str(n), str(n)) for n in range(1, MAX_IMAGES + 1)])
        self.fields["prompt"].widget.attrs["data-count-to"] = MAX_PROMPT
        if self.chosen is not None:
            self._offer_of(self.chosen)

    def _offer(self, field: str, choices: list[tuple[str, Any]]) -> None:
        widget = self.fields[field].widget
        assert isinstance(widget, forms.Select | forms.RadioSelect)
        widget.choices = choices

    def _chosen(self) -> Checkpoint | None:
        """The checkpoint whose styles, sizes and limits are offered: the chosen one, else the first."""
        asked = self["checkpoint"].value()
        return next((each for each in self.checkpoints if each.slug == asked), next(iter(self.checkpoints), None))

    def _offer_of(self, checkpoint: Checkpoint) -> None:
        styles = Style.objects.filter(checkpoints=checkpoint).order_by("name").values_list("slug", "name")
        self._offer("style", [("", _("None")), *styles])
        self._offer("size", [(f"{w}x{h}", f"{w} × {h}") for w, h in checkpoint.sizes])
        for name in ("style", "size"):
            self._mark_default(name)
        offer = offer_of(checkpoint)
        self.offers_control = bool(offer.controls)
        self._offer("control", [("", _("None")), *((each.slug, each.name) for each in offer.controls)])
        self.edit_kinds = [("", _("Change it")), *((kind, LABELS[kind]) for kind in EDITS if kind in offer.kinds)]
        self._offer("scheduler", [(name, sampler_label(name)) for name in checkpoint.schedulers])
        self._offer_loras(checkpoint)
        self.fields["steps"].widget.attrs |= {"max": checkpoint.max_steps, "placeholder": checkpoint.default_steps}
        self.fields["guidance"].widget.attrs["placeholder"] = f"{checkpoint.default_guidance:g}"

    def _mark_default(self, name: str) -> None:
        """Ticks the first choice where none of those offered is."""
        offered = [value for value, _label in self.fields[name].widget.choices]
        if (self.get_initial_for_field(self.fields[name], name) or "") not in offered:
            self.initial[name] = offered[0]

    @property
    def shapes(self) -> list[tuple[Any, str, dict[str, float]]]:
        """Each size as a radio button, the name of its shape, and the frame that shows it in a square of 24."""
        shapes = []
        for option in self["size"]:
            width, _x, height = str(option.data["value"]).partition("x")
            shapes.append((option, _shape(int(width), int(height)), _frame(int(width), int(height))))
        return shapes

    @property
    def styles(self) -> list[tuple[Any, Picture | None]]:
        """Each style as a radio button, and a picture of it where there is one."""
        return [(option, self.samples.get(str(option.data["value"]))) for option in self["style"]]

    def _offer_loras(self, checkpoint: Checkpoint) -> None:
        """Shows the field where a checkpoint has LoRAs, or where it is filled already."""
        names = [
            f"{slug}:0.8"
            for slug in Lora.objects.offered_to(checkpoint).order_by("slug").values_list("slug", flat=True)
        ]
        has_any = bool(names) or Lora.objects.offered_to(*self.checkpoints).exists()
        self.offers_loras = bool(has_any or self["loras"].value())
        self.fields["loras"].widget.attrs["placeholder"] = ", ".join(names[:MAX_LORA_HINTS])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or self.cleaned_data
        if self.data.get("keep_source") and self.source is None:
            self.add_error(None, _("The picture it started from is no longer available. Choose another one, or none."))
        return values

    def cost_units(self) -> int | None:
        """Of all images as the form is filled in; None where it is not complete."""
        wanted = self._wanted() | {"prompt": self.cleaned_data["prompt"] or "-", "seed": self.cleaned_data["seed"] or 0}
        try:
            return check_request(cast(Wanted, wanted), given=self._given()).cost_units
        except Refused:
            return None

    def _given(self) -> Given:
        """The pictures that will come along, as the page describes them."""
        values = self.cleaned_data
        kind, size = values["edit_kind"], values["source_size"].partition("x")
        has_source = kind in FROM_SOURCE or (not kind and bool(values["strength"]))
        return Given(
            source=(_number(size[0]) or 1, _number(size[2]) or 1) if has_source else None,
            is_from_draft=True,
            has_mask=kind == Kind.INPAINT,
            has_control=kind == Kind.CONTROL,
        )

    def _wanted(self) -> dict[str, Any]:
        """What the fields say about the picture itself."""
        values = self.cleaned_data
        width, _x, height = values["size"].partition("x")
        names = ("prompt", "negative_prompt", "checkpoint", "style", "count", "seed", "steps", "guidance", "scheduler",
                 "strength", "clip_skip", "mask_margin", "mask_feather", "upscale_factor", "control",
                 "control_strength", "reference_strength", "variation_strength", "variation_seed",
                 "is_draft")  # fmt: skip
        return {name: values[name] for name in names} | {
            "loras": read_loras(values["loras"]), "width": _number(width), "height": _number(height),
            "kind": values["edit_kind"],
            "borders": {side: values[f"border_{side}"] for side in ("left", "top", "right", "bottom")},
        }  # fmt: skip

    def _pictures(self, author: User, at: datetime) -> dict[str, Any]:
        """The pictures of the form; raises NotFound for one that the member may not use."""
        values = self.cleaned_data
        kept = self.source if values.get("keep_source") else None
        if values["start_from"]:
            (kept,) = usable_pictures(author, [values["start_from"]], at)
        if values["source_file"] is not None:
            kept = None
        return {
            "source_file": values["source_file"],
            "source_image": kept if isinstance(kept, Image) else None,
            "source_upload": kept if isinstance(kept, Upload) else None,
            "mask": values["mask_file"],
            "control_picture": values["control_file"],
            "references": usable_pictures(author, list(filter(None, values["references"].split(","))), at),
        }

    def submit(self, *, author: User, parent: Image | None, at: datetime) -> Generation | None:
        """The generation, or None with what is wrong beside the fields."""
        values = self.cleaned_data
        try:
            return submit_generation(
                author=author,
                **cast(Wanted, self._wanted() | {"remix_kind": values["kind"] if parent is not None else ""}),
                **self._pictures(author, at),
                confirm_doubtful=values["confirm_doubtful"],
                idempotency_key=values["idempotency_key"],
                parent=parent,
                at=at,
            )
        except Refused as refused:
            self.status = 422 if refused.status == 400 else refused.status
            self._show(refused)
            return None

    def _show(self, refused: Refused) -> None:
        self.asks_to_confirm = refused.code == "doubtful"
        for name, messages in refused.fields.items():
            field = CHECKED_ELSEWHERE.get(name, name)
            self.add_error(field if field in self.fields else None, messages)
        if not refused.fields:
            self.add_error(None, refused.message)


def _number(text: str) -> int | None:
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _shape(width: int, height: int) -> str:
    if width == height:
        return str(_SHAPES[1, 1])
    return str(_SHAPES[3, 2] if width > height else _SHAPES[2, 3])


def _frame(width: int, height: int) -> dict[str, float]:
    longest = max(width, height)
    w, h = round(18 * width / longest, 1), round(18 * height / longest, 1)
    return {"x": round((24 - w) / 2, 1), "y": round((24 - h) / 2, 1), "width": w, "height": h}


def fresh_key() -> str:
    """A new idempotency key for each form shown: sending one form twice makes one generation."""
    return secrets.token_urlsafe(12)
