"""The words that consent is asked in. A change of wording is a new version; old events keep theirs."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Purpose

TEXT_VERSION = "2026-11"

# What the settings page says under each choice.
EXPLAINED: dict[Purpose, Promise] = {
    Purpose.TRAIN: _(
        "Teams that train models may use your pictures, prompts and answers in datasets that stay with them. "
        "You can take this back at any time; datasets made afterwards leave you out."
    ),
    Purpose.PUBLISH: _(
        "Datasets that anybody can download may hold your pictures, prompts and answers, under a pseudonym. "
        "You can take this back at any time, but copies that people already have stay with them."
    ),
    Purpose.BENCHMARK: _(
        "Public comparisons of models may show your pictures and count your answers, under a pseudonym. "
        "You can take this back at any time; results published before then stay."
    ),
}
