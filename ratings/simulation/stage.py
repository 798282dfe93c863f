"""What acting works with: a script, the moment it ends at, and the rows that its people and wishes became."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from accounts.models import Purpose, User
from accounts.services import record_consent
from feed.posts.services import edit_profile
from generation.models import Generation, Image
from lib.days import day_bounds, local_day
from lib.errors import Refused
from ratings.simulation.preferences import Sight
from ratings.simulation.script import Persona, Script, Wish


@dataclass
class Stage:
    script: Script
    end: datetime
    checkpoint: str
    members: list[User] = field(default_factory=list)

    def rng(self, *what: object) -> random.Random:
        return random.Random(":".join(map(str, (self.script.seed, *what))))

    def key(self, wish: Wish) -> str:
        return f"simulated-{self.script.seed}-{wish.number}"

    def at(self, wish: Wish) -> datetime:
        """When it is asked for; what is said to be today's stays within today."""
        when = self.end - wish.ago
        if not wish.is_todays:
            return when
        start = day_bounds(local_day(self.end))[0]
        return max(when, start + (self.end - start) * 0.1)

    def generations(self, wishes: Iterable[Wish]) -> dict[int, Generation]:
        """{number of the wish: its row}, of those that were asked for."""
        keys = {self.key(wish): wish.number for wish in wishes}
        rows = Generation.objects.filter(idempotency_key__in=keys, author__in=self.members)
        return {keys[row.idempotency_key]: row for row in rows}

    def sight(self, image: Image) -> Sight:
        """Pictures of real people have a name too: their public id."""
        generation = image.generation
        key = generation.idempotency_key
        name = f"{key}/{image.position}" if key.startswith("simulated-") else image.public_id
        return Sight(name, generation.prompt)


def sign_up(stage: Stage, guests: Iterable[User] = ()) -> None:
    """Makes the members that lack, with what they agreed to; `guests` are accounts that exist and join in.

    The first guest takes part as they are; the others agree to training, publication and benchmarks.
    """
    stage.members.extend(_member(stage, persona) for persona in stage.script.personas)
    for number, guest in enumerate(guests):
        stage.members.append(guest)
        if number:
            agree(guest, stage.end - timedelta(hours=2))


def _member(stage: Stage, persona: Persona) -> User:
    joined = stage.end - persona.joined
    user: User | None = User.objects.filter(username=persona.username).first()
    if user is None:
        user = simulated_user(persona.username, joined)
        edit_profile(member=user, display_name=persona.username.title(), bio=persona.bio, at=joined)
        if persona.agrees:
            agree(user, joined)
    elif not user.is_simulated:
        raise Refused("name_taken", f"“{persona.username}” is a real member here; this site has no place for a play.")
    return user


def simulated_user(username: str, joined: datetime) -> User:
    """A marked account that nobody can sign in to."""
    user = User(username=username, is_simulated=True, date_joined=joined)
    user.set_unusable_password()
    user.save()
    return user


def agree(user: User, at: datetime) -> None:
    for purpose in Purpose:
        record_consent(user=user, purpose=purpose, granted=True, at=at)
