"""What the tests of the relay share: a loop with a deadline, and clients that read lines."""

import asyncio
import socket
import struct

from trivet.client.address import NodeAddress
from trivet.client.relay import Relay, RelaySettings


def play(conversation, seconds=180.0):
    """Run a conversation, which may not take for ever."""
    asyncio.run(asyncio.wait_for(conversation, seconds))


async def until(condition, what, seconds=60.0):
    """Wait until ``condition()`` is true."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + seconds
    while not condition():
        assert loop.time() < deadline_s, f"{what}: not within {seconds:.0f} s"
        await asyncio.sleep(0.005)


def relay_to(*ports, **settings):
    """A relay on any free port, with nodes at ``ports``."""
    nodes = [NodeAddress("127.0.0.1", port) for port in ports]
    return Relay(nodes, RelaySettings(**{"port": 0, **settings}))


class Talker:
    """One client of a relay, as ``nc`` would be."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    @classmethod
    async def join(cls, relay, receive_buffer_bytes=0):
        """Connect, and wait until the relay knows."""
        before = len(relay.clients)
        sock = socket.socket()
        if receive_buffer_bytes:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", relay.port))
        talker = cls(*await asyncio.open_connection(sock=sock, limit=1 << 20))
        await until(lambda: len(relay.clients) > before, "joined")
        return talker

    @property
    def address(self):
        return "{}:{}".format(*self.writer.get_extra_info("sockname"))

    def say(self, data):
        self.writer.write(data)

    async def hear(self):
        return await self.reader.readline()

    def reset(self):
        """Go without a word: RST."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def leave(self):
        self.writer.close()
        await self.writer.wait_closed()
