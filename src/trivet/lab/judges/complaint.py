"""A judge's sentence, with the least evidence that shows it."""

import msgspec


class Complaint(msgspec.Struct, frozen=True):
    """Something that cannot happen, happened."""

    judge: str
    sentence: str
    evidence: list[str] = []

    def text(self) -> str:
        """For people: the sentence, then the evidence, indented."""
        return "\n".join([f"{self.judge}: {self.sentence}", *("    " + line for line in self.evidence)])
