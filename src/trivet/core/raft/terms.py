"""How terms are made up: the generation in the upper bits, elections within it in the lower ones.

On the path: nowhere. Groups that have no generations are in generation 0 for ever.
"""

from typing import Final

from trivet.core.base.ids import Index, Term

ELECTION_BITS: Final = 24
GENERATION_MAX: Final = (1 << 22) - 1
INDEX_BITS: Final = 40
"""Of a stamp: the index; above them is the generation."""


def stamp_of(generation: int, index: Index) -> int:
    """By which reports of members are ordered: those of a later generation are above all before."""
    return (generation << INDEX_BITS) | index


def generation_of(term: Term) -> int:
    """The generation of ``term``."""
    return term >> ELECTION_BITS


def first_term(generation: int) -> Term:
    """The lowest term of ``generation``: in it only the membership is said by which its primary votes."""
    return generation << ELECTION_BITS
