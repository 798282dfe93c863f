"""A running simulation: its scenario, its last moment, and the rows of its members and generations."""

import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from accounts.models import Purpose, User
from accounts.services import record_consent
from feed.members.services import edit_profile
from generation.models import Generation, Image
from lib.days import day_bounds, local_day
from lib.errors import Refused
from ratings.simulation.preferences import SimulatedPicture
from ratings.simulation.scenario import Persona, PlannedGeneration, Scenario


@dataclass
class Simulation:
    scenario: Scenario
    end: datetime
    checkpoint: str
    members: list[User] = field(default_factory=list)

    def rng(self, *what: object) -> random.Random:
        return random.Random(":".join(map(str, (self.scenario.seed, *what))))

    def key(self, plan: PlannedGeneration) -> str:
        return f"simulated-{self.scenario.seed}-{plan.number}"

    def at(self, plan: PlannedGeneration) -> datetime:
        """When it is requested; a plan of today stays within today."""
        when = self.end - plan.ago
        if not plan.is_todays:
            return when
        start = day_bounds(local_day(self.end))[0]
        return max(when, start + (self.end - start) * 0.1)

    def generations(self, plans: Iterable[PlannedGeneration]) -> dict[int, Generation]:
        """{number of the plan: its generation}, for those already requested."""
        keys = {self.key(plan): plan.number for plan in plans}
        rows = Generation.objects.filter(idempotency_key__in=keys, author__in=self.members)
        return {keys[row.idempotency_key]: row for row in rows}

    def picture(self, image: Image) -> SimulatedPicture:
        """The picture as `preferences` knows it; one of a real member is named by its public id."""
        generation = image.generation
        key = generation.idempotency_key
        name = f"{key}/{image.position}" if key.startswith("simulated-") else image.public_id
        return SimulatedPicture(name, generation.prompt)


def sign_up(simulation: Simulation, guests: Iterable[User] = ()) -> None:
    """Creates missing members with their consents; `guests` are existing accounts that join in.

    The first guest takes part as they are; the others agree to training, publication and benchmarks.
    """
    simulation.members.extend(_member(simulation, persona) for persona in simulation.scenario.personas)
    for number, guest in enumerate(guests):
        simulation.members.append(guest)
        if number:
            agree(guest, simulation.end - timedelta(hours=2))


def _member(simulation: Simulation, persona: Persona) -> User:
    joined = simulation.end - persona.joined
    user: User | None = User.objects.filter(username=persona.username).first()
    if user is None:
        user = simulated_user(persona.username, joined)
        edit_profile(member=user, display_name=persona.username.title(), bio=persona.bio, at=joined)
        if persona.agrees:
            agree(user, joined)
    elif not user.is_simulated:
        raise Refused("name_taken", f"“{persona.username}” is a real member here; choose a site without that member.")
    return user


def simulated_user(username: str, joined: datetime) -> User:
    """An account marked as simulated, without a password."""
    user = User(username=username, is_simulated=True, date_joined=joined)
    user.set_unusable_password()
    user.save()
    return user


def agree(user: User, at: datetime) -> None:
    for purpose in Purpose:
        record_consent(user=user, purpose=purpose, granted=True, at=at)
