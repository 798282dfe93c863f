"""Writes of moderation, called by pages, the API, commands, and generation, feed and ratings."""

from moderation.services.appeals import answer_appeal, appeal_decision
from moderation.services.cases import (
    claim_case,
    open_case,
    record_screening,
    release_case,
    release_expired_claims,
    report_target,
)
from moderation.services.decisions import decide_case
from moderation.services.hashes import block_hash, lift_hash
from moderation.services.restrictions import (
    end_expired_restrictions,
    lift_restriction,
    require_unrestricted,
    restrict_member,
)
from moderation.services.rules import add_rule, retire_rule

__all__ = [
    "add_rule",
    "answer_appeal",
    "appeal_decision",
    "block_hash",
    "claim_case",
    "decide_case",
    "end_expired_restrictions",
    "lift_hash",
    "lift_restriction",
    "open_case",
    "record_screening",
    "release_case",
    "release_expired_claims",
    "report_target",
    "require_unrestricted",
    "restrict_member",
    "retire_rule",
]
