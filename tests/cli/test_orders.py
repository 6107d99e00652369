"""The desk for orders: one at a time, an answer in lines, whoever comes."""

import socket

import pytest

from trivet.cli import orders
from trivet.cli.orders import OrderDesk, OrderError, send_order


@pytest.fixture
def desk(tmp_path):
    """A desk in a directory whose path is longer than a socket's address may be."""
    data = tmp_path / ("deep" * 20) / ("deeper" * 20)
    data.mkdir(parents=True)
    (data / "cluster.json").write_text("{}")
    taken = []

    def carry_out(order, client):
        taken.append(order)
        for text in order.get("say", []):
            client.say(text)
        if "divide" in order:
            1 / order["divide"]
        if "refuse" in order:
            raise OrderError(order["refuse"])

    desk = OrderDesk(data, carry_out)
    desk.open()
    yield data, taken, desk
    desk.close()


def test_an_order_is_carried_out_and_answered(desk):
    data, taken, _ = desk
    said = []
    send_order(data, {"say": ["one", "two"]}, said.append)
    assert said == ["one", "two"]
    assert taken == [{"say": ["one", "two"]}]
    assert oct((data / "supervisor.sock").stat().st_mode & 0o777) == "0o600"


def test_a_refusal_and_a_defect_come_back_and_the_desk_goes_on(desk):
    data, _, _ = desk
    with pytest.raises(OrderError, match="not today"):
        send_order(data, {"refuse": "not today"}, print)
    with pytest.raises(OrderError, match="a defect in Trivet: ZeroDivisionError"):
        send_order(data, {"divide": 0}, print)
    send_order(data, {}, print)


def raw(data, sent):
    with socket.socket(socket.AF_UNIX) as connection, orders._short(data / "supervisor.sock") as name:
        connection.connect(name)
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return connection.makefile("rb").read()


@pytest.mark.parametrize("sent", [b"nonsense\n", b"[1]\n", b"", b"x" * 100_000, b"\xff\n"])
def test_what_is_no_order(desk, sent):
    data, taken, _ = desk
    try:
        assert b'"failed"' in raw(data, sent)
    except (BrokenPipeError, ConnectionResetError):
        pass
    assert not taken
    send_order(data, {}, print)


def test_one_who_says_nothing_does_not_hold_up_the_next_for_ever(desk, monkeypatch):
    data, _, _ = desk
    monkeypatch.setattr(orders, "ORDER_MAX_S", 0.05)
    with socket.socket(socket.AF_UNIX) as silent, orders._short(data / "supervisor.sock") as name:
        silent.connect(name)
        send_order(data, {}, print)


def test_a_closed_desk(desk):
    data, _, one = desk
    one.close()
    with pytest.raises(OrderError, match="no `trivet up` is running on"):
        send_order(data, {}, print)
