"""What pictures say of messages of mode ``eventual``."""

from tests.lab.pictures.copy_messages import SAID
from trivet.core.gossip.messages import Seen
from trivet.lab.pictures.copy_words import KINDS, copy_text, is_routine


def test_what_each_message_says():
    for message, text in SAID:
        assert copy_text(message) == text
    assert {type(message) for message, _ in SAID} == set(KINDS)
    assert {type(message) for message, _ in SAID if is_routine(message)} == {Seen}
