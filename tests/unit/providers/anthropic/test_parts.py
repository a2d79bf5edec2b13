"""The blocks of an answer hold back no more than there is room for."""

from gateway.dialects.thinking import Block
from gateway.providers.anthropic.parts import Redacted, Room, Thought


def test_room_that_is_used_up_stays_used_up() -> None:
    room = Room(10)
    assert [room.take(6), room.take(4), room.take(1), room.take(0)] == [True, True, False, False]


def test_blocks_count_even_where_they_hold_next_to_nothing() -> None:
    kept: list[Block] = []
    room = Room(1000)
    for _ in range(1000):
        Redacted(kept, "x", room).close()
        thought = Thought(kept, "", room)
        thought.take({"signature": "x"})
        thought.close()
    assert 0 < len(kept) < 20


def test_nothing_that_is_empty_is_kept() -> None:
    kept: list[Block] = []
    assert Redacted(kept, "", Room()).close() == ()
    assert Thought(kept, "", Room()).close() == ()
    assert kept == []
