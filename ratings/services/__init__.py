"""Asking and answering. A draw writes its row before anybody sees a question; an answer closes it, once.

Whoever shows an ask hands out `tokens.token_for(ask)` with it; every answer comes back with that token.
"""

from ratings.services.answering import SKIP, answer_ask, answer_comparison, dismiss_ask, skip_ask
from ratings.services.appeals import answer_quality_appeal, appeal_flags
from ratings.services.drawing import draw_ask, draw_comparison
from ratings.services.judging import judge_raters, raters_active, raters_since
from ratings.services.showing import expire_asks, mark_not_rendered, mark_shown

__all__ = [
    "SKIP",
    "answer_ask",
    "answer_comparison",
    "answer_quality_appeal",
    "appeal_flags",
    "dismiss_ask",
    "draw_ask",
    "draw_comparison",
    "expire_asks",
    "judge_raters",
    "mark_not_rendered",
    "mark_shown",
    "raters_active",
    "raters_since",
    "skip_ask",
]
