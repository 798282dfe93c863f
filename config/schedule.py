"""What beat starts, and when: seconds between two runs, or a time of the day in `TIME_ZONE`."""

from datetime import timedelta
from typing import Any

from celery.schedules import crontab

SCHEDULE: dict[str, dict[str, Any]] = {
    "ring-pending": {"task": "generation.ring_pending", "schedule": 5.0},
    "reap-leases": {"task": "generation.reap_leases", "schedule": 15.0},
    "screen-pending": {"task": "generation.screen_pending", "schedule": 10.0},
    "delete-drafts": {"task": "generation.delete_drafts", "schedule": crontab(hour=4, minute=40)},
    "sweep-orphans": {"task": "generation.sweep_orphans", "schedule": timedelta(days=1)},
    "measure-pictures": {"task": "generation.measure_pictures", "schedule": crontab(hour=5, minute=20)},
    "fold-counts": {"task": "feed.fold_counts", "schedule": 3.0},
    "rebuild-lists": {"task": "feed.rebuild_lists", "schedule": 20.0},
    "read-pending-posts": {"task": "feed.read_pending_posts", "schedule": 60.0},
    "find-styles": {"task": "feed.find_styles", "schedule": crontab(hour=2, minute=30)},
    "relearn-words": {"task": "feed.relearn_words", "schedule": crontab(hour=3, minute=50)},
    "reconcile-counts": {"task": "feed.reconcile_counts", "schedule": crontab(hour=3, minute=20)},
    "expire-asks": {"task": "ratings.expire_asks", "schedule": 60.0},
    "judge-new-answers": {"task": "ratings.judge_new_answers", "schedule": 300.0},
    "judge-everybody": {"task": "ratings.judge_everybody", "schedule": crontab(hour=3, minute=40)},
    "refresh-aspects": {"task": "ratings.refresh_aspects", "schedule": 30.0},
    "read-week": {"task": "ratings.compute_reading", "schedule": 600.0, "args": [7]},
    "read-month": {"task": "ratings.compute_reading", "schedule": crontab(minute=50), "args": [30]},
    "read-quarter": {"task": "ratings.compute_reading", "schedule": crontab(hour=4, minute=10), "args": [90]},
    "read-year": {"task": "ratings.compute_reading", "schedule": crontab(hour=4, minute=30), "args": [365]},
    "refresh-benchmarks": {"task": "ratings.refresh_benchmarks", "schedule": 300.0},
    "advance-campaigns": {"task": "ratings.advance_campaigns", "schedule": 20.0},
    "make-counterparts": {"task": "ratings.make_counterparts", "schedule": crontab(hour="1-5", minute="*/5")},
    "show-counterparts": {"task": "ratings.show_counterparts", "schedule": 300.0},
    "continue-releases": {"task": "ratings.continue_releases", "schedule": 60.0},
    "forget-deleted-pictures": {"task": "ratings.forget_deleted_pictures", "schedule": 60.0},
    "raise-alarms": {"task": "moderation.raise_alarms", "schedule": 60.0},
    "release-claims": {"task": "moderation.release_claims", "schedule": 60.0},
    "copy-evidence": {"task": "moderation.copy_evidence", "schedule": 300.0},
    "sweep-hashes": {"task": "moderation.sweep_hashes", "schedule": 300.0},
    "forget-evidence": {"task": "moderation.forget_evidence", "schedule": crontab(hour=4, minute=20)},
    "forget-deliveries": {"task": "accounts.forget_deliveries", "schedule": crontab(hour=4, minute=10)},
    "deliver-webhooks": {"task": "accounts.deliver_webhooks", "schedule": 30.0},
    "follow-restrictions": {"task": "feed.follow_restrictions", "schedule": 60.0},
    "send-digests": {"task": "feed.send_digests", "schedule": 600.0},
    "count-tags": {"task": "feed.count_tags", "schedule": 900.0},
    "schedule-challenges": {"task": "feed.schedule_challenges", "schedule": crontab(minute=5)},
    "close-challenges": {"task": "ratings.close_challenges", "schedule": 15.0},
}
