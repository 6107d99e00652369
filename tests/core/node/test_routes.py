"""Routes say of each row what dispatch asks."""

from trivet.core.command.table import ROWS, Flag, Place
from trivet.core.node.routes import ROUTES


def test_every_row_has_its_route() -> None:
    assert list(ROUTES) == list(ROWS)
    for name, route in ROUTES.items():
        row = ROWS[name]
        assert route.name == name and route.shown == row.name and route.arity == row.arity
        assert route.session == (row.place is Place.SESSION)
        assert route.writes == (bool(row.flags & Flag.WRITE) or row.logged)


def test_some_routes() -> None:
    assert ROUTES[b"SET"].writes and not ROUTES[b"SET"].session
    assert not ROUTES[b"GET"].writes
    assert ROUTES[b"EVAL"].writes and not ROUTES[b"EVAL_RO"].writes
    assert ROUTES[b"PING"].session
    assert ROUTES[b"FLUSHALL"].is_wide and not ROUTES[b"FLUSHALL"].is_taught
    assert [name for name, route in ROUTES.items() if route.is_taught] == [b"SCRIPT", b"FUNCTION"]
    assert not ROUTES[b"AUTH"].needs_auth and ROUTES[b"GET"].needs_auth
