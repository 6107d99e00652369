"""What a scenario is: a name, an explanation, and a script that plays it from any seed.

The script never hopes: it waits for conditions, and states as *facts* what the explanation claims. A
fact that does not hold raises ``NotAsTold``, so a story cannot say what did not happen.
"""

from collections.abc import Callable
from enum import StrEnum

import msgspec

from trivet.lab.judges.complaint import Complaint
from trivet.lab.recording import Recording

STORY = "story"
"""Who says the sentences of a story, in its recording."""


class NotAsTold(Exception):
    """The run did not do what the story says: a bug in the story, or in what it is about."""


class Told(msgspec.Struct):
    """A scenario that has been played."""

    recording: Recording
    facts: list[str]
    """What was checked on this run, in words."""
    verdict: str
    """The whole, in one or two sentences."""
    window_us: tuple[int, int]
    """The part of the run that a picture shows."""
    complaints: list[Complaint] = []
    """What the judges say: a story may be about a failure, but never about one that no judge sees."""


class Players(StrEnum):
    """Who plays a story, as its page says it."""

    NODES = "Trivet's own nodes"
    MEMBERS = "Trivet's own Paxos members (`core/paxos`), without nodes around them"
    TEXTBOOK = "the textbook form of the protocol, not the store's code"


SHELVES = {
    Players.NODES: "Trivet's own nodes",
    Players.MEMBERS: "Trivet's own registers without a leader",
    Players.TEXTBOOK: "Textbook protocols",
}
"""The headings under which stories are listed."""


class Scenario(msgspec.Struct, frozen=True):
    """One story. ``play(seed)`` raises ``NotAsTold`` when the run does not bear it out."""

    name: str
    title: str
    paragraphs: tuple[str, ...]
    """The explanation, for people who have never met us."""
    play: Callable[[int], Told]
    seed: int = 1
    """The seed that is played when nobody names one."""
    played_by: Players = Players.NODES


def prose(text: str) -> tuple[str, ...]:
    """Paragraphs, as written in the source: blank lines part them, line ends mean nothing."""
    return tuple(" ".join(part.split()) for part in text.strip().split("\n\n"))


class Facts:
    """Collects what was checked."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def fact(self, holds: bool, text: str) -> None:
        """State that something is so. Raises NotAsTold when it is not."""
        if not holds:
            raise NotAsTold(text)
        self.told.append(text)

    def demand(self, holds: bool, text: str) -> None:
        """As ``fact``, but not worth telling."""
        if not holds:
            raise NotAsTold(text)

    def silent(self, complaints: list[Complaint], judges: str) -> None:
        """State that the judges have nothing to say."""
        if complaints:
            raise NotAsTold("a judge complains: " + complaints[0].text())
        self.told.append(f"the judges are silent ({judges})")

    def tell(self, recording: Recording, verdict: str) -> Told:
        """The end: the story is told, and its picture shows the whole run."""
        return Told(recording, self.told, verdict, (0, recording.ended_us))
