"""``trivet relay``: a line relay over the cluster, for `nc` and the like."""

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from trivet.client.address import NodeAddress
    from trivet.client.relay import RelaySettings


async def serve(nodes: "list[NodeAddress]", settings: "RelaySettings") -> None:
    """Serve until a signal says stop. Raises ``OSError`` when the port can't be had."""
    from trivet.client.relay import Relay

    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    relay = Relay(nodes, settings)
    await relay.start()
    click.echo(f"ready {settings.host}:{relay.port}")
    ends = [loop.create_task(stopped.wait()), loop.create_task(relay.wait_failed())]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for task in ends:
        task.cancel()
    await relay.close()
    if ends[1].done() and not ends[1].cancelled():
        ends[1].result()


@click.command(
    "relay",
    epilog="Try it: `trivet up` in one terminal, `trivet relay --port 9000` in a second, `trivet relay "
    "--port 9001 --node redis://127.0.0.1:7002` in a third; then `nc localhost 9000`, `nc localhost 9001`.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=9000, show_default=True, help="Where to listen."
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on. 0.0.0.0 lets in all who reach this machine; there is no password.",
)
@click.option(
    "--node",
    "nodes",
    multiple=True,
    metavar="URL",
    default=("redis://127.0.0.1:7001",),
    show_default=True,
    help="A node of the cluster, as redis://[[user]:password@]host:port. Give several: when one is lost, "
    "the next is tried.",
)
@click.option(
    "--channel",
    default="trivet.relay",
    show_default=True,
    help="Relays with the same channel are one; others don't hear each other.",
)
@click.option(
    "--line-bytes",
    type=click.IntRange(1, 1 << 20),
    default=64 * 1024,
    show_default=True,
    help="The longest line. A longer one is answered with an error and not sent.",
)
@click.option(
    "--clients", type=click.IntRange(1), default=1000, show_default=True, help="How many at a time."
)
@click.option(
    "--rate",
    type=click.IntRange(1),
    default=1 << 20,
    show_default=True,
    metavar="BYTES",
    help="How many bytes a second one client may send for long; a faster one is read more slowly.",
)
def command(
    port: int, host: str, nodes: tuple[str, ...], channel: str, line_bytes: int, clients: int, rate: int
) -> None:
    """Relay lines between all who connect: what one sends, all others get, through any relay.

    A plain TCP server. A line is any bytes up to a line feed; `nc` is enough to take part. Nobody gets his
    own lines back. Joins and leaves, and nodes that are lost, are told on the standard error output.

    The relay keeps nothing: who is not there, or whose relay is without a node, misses what is said. A
    client that floods is slowed down, one that does not read is cut off; the others notice neither.
    """
    import logging

    from trivet.client.address import NodeAddress
    from trivet.client.relay import RelaySettings

    try:
        addresses = [NodeAddress.parse(url) for url in nodes]
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    settings = RelaySettings(
        host=host,
        port=port,
        channel=channel.encode(),
        line_bytes_max=line_bytes,
        clients_max=clients,
        client_bytes_per_s=rate,
        client_burst_bytes=max(rate, line_bytes),
    )
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    try:
        asyncio.run(serve(addresses, settings))
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
