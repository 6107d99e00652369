"""Programs that are killed by SIGKILL at a step: one process that forks them, so that each starts at once.

It reads a JSON object a line: ``kind`` (sync, async, recovery), ``kill`` (the number of the step's event, or null), and where
the stores are. It answers with the events of a program that lived, or with ``null`` for one that was killed.
"""

import asyncio
import json
import os
import signal
import sys

import asyncmy
import asyncpg
import psycopg
import pymysql

import trivet
from trivet.transactions import Recovery

DEBIT = "UPDATE accounts SET balance = balance - 5 WHERE id = 7"


class Steps:
    """Counts events, and kills at one."""

    def __init__(self, kill):
        self.kill = kill
        self.events = []

    def __call__(self, event):
        if event.endswith("pause"):  # not every run waits
            return
        if len(self.events) == self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        self.events.append(event)


def transfer(order, steps):
    with (
        psycopg.connect(order["postgres"]) as pg,
        pymysql.connect(database="shop", **order["mariadb"]) as my,
        trivet.transaction(order["db"], postgres=pg, mariadb=my, on_step=steps) as tx,
    ):
        tx.postgres.execute(DEBIT)
        tx.mariadb.execute(DEBIT)
        assert tx.get("balance:7") is not None
        tx.incrby("balance:7", -5)


async def transfer_async(order, steps):
    pg = await asyncpg.connect(order["postgres"])
    my = await asyncmy.connect(db="shop", **order["mariadb"])
    async with trivet.transaction(order["db"], postgres=pg, mariadb=my, on_step=steps) as tx:
        await tx.postgres.execute(DEBIT)
        await tx.mariadb.execute(DEBIT)
        assert await tx.get("balance:7") is not None
        tx.incrby("balance:7", -5)
    await pg.close()
    my.close()


def recover(order, steps):
    Recovery(order["db"], postgres=order["postgres"], mariadb=order["url"], open_s=0, on_step=steps).once()


def play(order):
    steps = Steps(order["kill"])
    if order["kind"] == "sync":
        transfer(order, steps)
    elif order["kind"] == "async":
        asyncio.run(transfer_async(order, steps))
    else:
        recover(order, steps)
    return steps.events


def main():
    for line in sys.stdin:
        order = json.loads(line)
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(writing, json.dumps(play(order)).encode())
                os._exit(0)
            finally:
                import traceback

                traceback.print_exc()
                os._exit(1)
        os.close(writing)
        with os.fdopen(reading, "rb") as answer:
            said = answer.read()
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        print("null" if killed else said.decode() or '"failed"', flush=True)


if __name__ == "__main__":
    main()
