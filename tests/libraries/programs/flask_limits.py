"""Flask-Limiter and limits: two instances of a site, at two nodes, share their limits."""

import threading

import parts
from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from limits import aio, parse, storage, strategies

STRATEGIES = ("fixed-window", "moving-window", "sliding-window-counter")


def site(url, strategy):
    app = Flask(strategy)
    limiter = Limiter(get_remote_address, app=app, storage_uri=url, strategy=strategy, headers_enabled=True)

    @app.get("/slow")
    @limiter.limit("10 per hour")
    def slow():
        return "fine"

    @app.get("/free")
    @limiter.exempt
    def free():
        return "fine"

    return app, limiter


def part_flask():
    for strategy in STRATEGIES:
        (one, limiter), (two, _) = site(parts.URL, strategy), site(parts.LAST_URL, strategy)
        statuses = []

        def ask(app, statuses=statuses):
            for _ in range(10):
                statuses.append(app.test_client().get("/slow").status_code)

        threads = [threading.Thread(target=ask, args=(app,)) for app in (one, two, one, two)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(statuses) == [200] * 10 + [429] * 30, (strategy, sorted(statuses))
        assert one.test_client().get("/free").status_code == 200
        refused = two.test_client().get("/slow")
        assert refused.headers["X-RateLimit-Remaining"] == "0"
        limiter.reset()
        assert two.test_client().get("/slow").status_code == 200
        limiter.reset()


def part_limits():
    store = storage.storage_from_string(parts.URL)
    assert store.check()
    for strategy in (
        strategies.FixedWindowRateLimiter(store),
        strategies.MovingWindowRateLimiter(store),
        strategies.SlidingWindowCounterRateLimiter(store),
    ):
        item = parse("3/minute")
        name = type(strategy).__name__
        assert [strategy.hit(item, name) for _ in range(5)] == [True, True, True, False, False], name
        assert not strategy.test(item, name)
        assert strategy.get_window_stats(item, name).remaining == 0
        strategy.clear(item, name)
        assert strategy.hit(item, name)
    store.reset()


async def part_limits_async():
    store = storage.storage_from_string(f"async+{parts.URL}", implementation="redispy")
    moving = aio.strategies.MovingWindowRateLimiter(store)
    item = parse("3/minute")
    assert [await moving.hit(item, "aio") for _ in range(4)] == [True, True, True, False]
    await store.reset()


if __name__ == "__main__":
    parts.main(globals())
