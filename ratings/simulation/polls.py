"""Two polls of a simulated community: one beside today's challenge, and one that is over. Idempotent."""

from datetime import timedelta

from accounts.models import User
from feed.models import Challenge, Poll
from feed.polls.services import create_poll, vote_in_poll
from lib.days import local_day
from ratings.simulation.state import Simulation

OPEN = ("What should next week's themes be about?", ("Animals", "Places", "Weather", "Small things"))
OVER = ("Which do you prefer as a picture's light?", ("Dawn", "Noon", "Night"))
VOTERS = 0.8  # of members


def run_polls(simulation: Simulation, staff: User) -> None:
    """`staff` asks, and most members vote; in the open poll only every second of them so far."""
    if Poll.objects.exists():
        return
    end = simulation.end
    today = Challenge.objects.filter(day=local_day(end)).first()
    for (question, options), opened, closes, every, challenge in (
        (OVER, end - timedelta(days=2), end - timedelta(hours=20), 1, None),
        (OPEN, end - timedelta(hours=3), end + timedelta(days=2), 2, today),
    ):
        poll = create_poll(
            question=question, options=options, closes_at=closes, created_by=staff, challenge=challenge, at=opened
        )
        for member in simulation.members[::every]:
            rng = simulation.rng("poll", question, member.username)
            if member.is_simulated and rng.random() < VOTERS:
                choice = min(rng.randrange(len(options)), rng.randrange(len(options)))
                vote_in_poll(poll=poll, option=choice, member=member, at=opened + timedelta(hours=2) * rng.random())
