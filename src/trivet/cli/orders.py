"""Orders for a running `trivet up`: a socket in its directory, one order at a time.

An order is a line of JSON. The answer is lines of JSON: ``{"say": text}`` any number of times, then
``{"done": true}`` or ``{"failed": text}``. Who hangs up takes the rest of the order back.
"""

import contextlib
import json
import os
import select
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from trivet.cli.layout import CLUSTER_FILE, SOCKET_FILE

LINE_BYTES_MAX = 64 * 1024
ORDER_MAX_S = 5.0
"""How long who has connected may take to say what he wants, and to read what is said to him."""
Order = dict[str, object]


class OrderError(Exception):
    """The order was not given, or not carried out; the text says why."""


class HungUp(Exception):
    """Nobody waits for the answer any more."""


class Client:
    """Who gave an order."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def say(self, text: str) -> None:
        """Something for people to read. Raises ``HungUp``."""
        self.send({"say": text})

    def send(self, line: Order) -> None:
        """One line of the answer. Raises ``HungUp``."""
        try:
            self._connection.sendall(json.dumps(line).encode() + b"\n")
        except OSError as error:
            raise HungUp from error

    def waits(self) -> bool:
        """Whether he is still there."""
        try:
            readable, _, _ = select.select([self._connection], [], [], 0)
            return not readable or self._connection.recv(1, socket.MSG_PEEK) != b""
        except OSError:
            return False


class OrderDesk:
    """Takes orders in a thread of its own, and has them carried out there."""

    def __init__(self, data: Path, carry_out: Callable[[Order, Client], None]) -> None:
        """``carry_out`` raises ``OrderError`` when it can't be done."""
        self._data = data
        self._carry_out = carry_out
        self._listener: socket.socket | None = None

    def open(self) -> None:
        """Begin to listen; what an earlier desk left is replaced. Raises ``OSError``."""
        path = self._data / SOCKET_FILE
        path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        with _short(path) as name:
            self._listener.bind(name)
        path.chmod(0o600)
        self._listener.listen(8)
        threading.Thread(target=self._run, daemon=True, name="orders").start()

    def close(self) -> None:
        """No orders any more; one under way goes on until it looks whether its giver waits."""
        if self._listener is not None:
            self._listener.close()
            (self._data / SOCKET_FILE).unlink(missing_ok=True)
        self._listener = None

    def _run(self) -> None:
        while (listener := self._listener) is not None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        client = Client(connection)
        connection.settimeout(ORDER_MAX_S)
        try:
            order = json.loads(_line(connection) or b"null")
            if not isinstance(order, dict):
                raise OrderError("that is no order")
            self._carry_out(order, client)
            client.send({"done": True})
        except (OrderError, ValueError) as error:
            with contextlib.suppress(HungUp):
                client.send({"failed": str(error)})
        except (HungUp, OSError):
            return
        except Exception as error:  # whatever it is, the next order is served
            with contextlib.suppress(HungUp):
                client.send({"failed": f"a defect in Trivet: {error!r}"})


def send_order(data: Path, order: Order, say: Callable[[str], None]) -> None:
    """Give an order to the `trivet up` that runs on ``data``; returns when it is carried out.

    Raises ``OrderError``.
    """
    if not (data / CLUSTER_FILE).exists():
        raise OrderError(f"{data} holds no cluster: name the directory of `trivet up` with --data")
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            with _short(data / SOCKET_FILE) as name:
                connection.connect(name)
            connection.sendall(json.dumps(order).encode() + b"\n")
        except OSError as error:
            raise OrderError(f"no `trivet up` is running on {data}: start it first") from error
        with connection.makefile("rb") as lines:
            for line in lines:
                answer = json.loads(line)
                if "failed" in answer:
                    raise OrderError(answer["failed"])
                if answer.get("done"):
                    return
                say(answer["say"])
    raise OrderError("`trivet up` has ended before this was done: start it again, and say it again")


def _line(connection: socket.socket) -> bytes:
    data = b""
    while b"\n" not in data and len(data) <= LINE_BYTES_MAX:
        piece = connection.recv(4096)
        if not piece:
            break
        data += piece
    return data


@contextlib.contextmanager
def _short(path: Path) -> Iterator[str]:
    """A name for ``path`` that is short enough for a socket's address, however deep its directory lies."""
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        link = Path(f"/proc/self/fd/{directory}")
        yield str(link / path.name) if link.exists() else str(path)
    finally:
        os.close(directory)
