"""What the Research pages show: worked out from the ledger now and then, kept as one reading a period.

A reading is a moment's figures of a period: `AspectFigure` rows, and a JSON body with the small ones
(`responses`, `unasked`, `agreement`, `pair_agreement`, `leaderboard`, `duels`, `position`, `complaints`).
"""

from ratings.research.reports.computation import LIVE_ASKS, PERIODS, compute_reading, reading_over

__all__ = ["LIVE_ASKS", "PERIODS", "compute_reading", "reading_over"]
