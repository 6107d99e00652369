"""python-socketio: two servers, each with a manager at a node of its own; what one emits reaches the clients of the other."""

import asyncio
import threading

import parts
import socketio
from aiohttp import web
from flask import Flask
from werkzeug.serving import make_server


async def serve_async(url):
    """One asyncio server; its Server object, its address, and how to end it."""
    server = socketio.AsyncServer(async_mode="aiohttp", client_manager=socketio.AsyncRedisManager(url))

    @server.event
    async def enter(sid, room):
        await server.enter_room(sid, room)

    @server.event
    async def say(sid, data):
        await server.emit("said", data, room="lobby")

    app = web.Application()
    server.attach(app)
    runner = web.AppRunner(app)
    await runner.setup()
    place = web.TCPSite(runner, "127.0.0.1", 0)
    await place.start()
    port = place._server.sockets[0].getsockname()[1]
    return server, f"http://127.0.0.1:{port}", runner


async def join(address, heard):
    client = socketio.AsyncClient()
    client.on("said", heard.append)
    client.on("question", lambda data: f"answer to {data}")
    await client.connect(address, transports=["websocket"])
    await client.emit("enter", "lobby")
    return client


async def part_async():
    one, address_one, runner_one = await serve_async(parts.URL)
    two, address_two, runner_two = await serve_async(parts.LAST_URL)
    heard_one, heard_two = [], []
    client_one, client_two = await join(address_one, heard_one), await join(address_two, heard_two)

    async def both_hear():
        """Until both servers listen to their node: what is published before that is lost, as it should be."""
        await client_one.emit("say", "are you there")
        await client_two.emit("say", "are you there")
        await asyncio.sleep(0.05)
        return heard_one and heard_two

    def both_heard(said):
        return said in heard_one and said in heard_two

    def numbers(heard):
        return sorted(said for said in heard if isinstance(said, int))

    await parts.eventually_async(both_hear)
    for number in range(100):
        await client_one.emit("say", number)
    await parts.eventually_async(lambda: len(numbers(heard_one)) >= 100 and len(numbers(heard_two)) >= 100)
    outside = socketio.RedisManager(parts.URL, write_only=True)
    outside.emit("said", "from outside", room="lobby")
    await parts.eventually_async(lambda: both_heard("from outside"))
    outside_async = socketio.AsyncRedisManager(parts.LAST_URL, write_only=True)
    await outside_async.emit("said", {"async": True})
    await parts.eventually_async(lambda: both_heard({"async": True}))
    assert numbers(heard_one) == numbers(heard_two) == list(range(100))
    answers = []
    sid = next(iter(two.manager.rooms["/"]["lobby"]))
    await one.emit("question", "life", to=sid, callback=answers.append)
    await parts.eventually_async(lambda: answers == ["answer to life"])
    await one.disconnect(sid)
    await parts.eventually_async(lambda: not client_two.connected)
    await client_one.disconnect()
    for runner in (runner_one, runner_two):
        await runner.cleanup()


def serve(url):
    """One server of threads, below Flask."""
    server = socketio.Server(async_mode="threading", client_manager=socketio.RedisManager(url))
    server.on("say", lambda sid, data: server.emit("said", data))
    app = Flask(__name__)
    app.wsgi_app = socketio.WSGIApp(server, app.wsgi_app)
    web_server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=web_server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{web_server.server_port}"


def part_threads():
    clients, heard = [], ([], [])
    for url, mine in zip((parts.URL, parts.LAST_URL), heard, strict=True):
        client = socketio.Client()
        client.on("said", mine.append)
        client.connect(serve(url))
        clients.append(client)

    def both_hear():
        for client in clients:
            client.emit("say", "are you there")
        return all(heard)

    parts.eventually(both_hear)
    clients[0].emit("say", "last")
    parts.eventually(lambda: all("last" in mine for mine in heard))
    for client in clients:
        client.disconnect()


if __name__ == "__main__":
    parts.main(globals())
