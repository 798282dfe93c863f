"""The figures of the Research pages, computed from the ledger at intervals and kept as one snapshot per period.

A snapshot consists of `AspectFigure` rows and of a JSON body with the small figures (`responses`, `unasked`,
`agreement`, `pair_agreement`, `leaderboard`, `duels`, `position`, `complaints`).
"""

from ratings.research.reports.computation import LIVE_ASKS, PERIODS, compute_snapshot, current_snapshot

__all__ = ["LIVE_ASKS", "PERIODS", "compute_snapshot", "current_snapshot"]
