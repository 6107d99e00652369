"""Performs what the protocol asks for: with blocking drivers, or with a loop's. No rule is known here."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from trivet.transactions.asking import Answer, Ask, Calls, Rows, Statement, Work
from trivet.transactions.drivers import AsyncDatabase, Database
from trivet.transactions.store import AsyncStore, Store

OnStep = Callable[[str], None]
"""Hears of every step: ``before …`` and ``after …`` its label. Tests stop a program there."""

_T = TypeVar("_T")


def no_step(label: str) -> None:
    """Nobody wants to hear it."""


def drive(work: Work[_T], store: Store, databases: Mapping[str, Database], on_step: OnStep = no_step) -> _T:
    """Until it returns or raises."""
    try:
        ask = next(work)
        while True:
            on_step(f"before {ask.label}")
            answer = _perform(ask, store, databases)
            on_step(f"after {ask.label}")
            ask = work.send(answer)
    except StopIteration as stop:
        value: _T = stop.value
        return value


def _perform(ask: Ask, store: Store, databases: Mapping[str, Database]) -> Answer:
    if isinstance(ask.what, Statement):
        return databases[ask.to].perform(ask.what)
    if isinstance(ask.what, Calls):
        return store.perform(ask.what)
    time.sleep(ask.what.seconds)
    return _RESTED


async def drive_async(
    work: Work[_T], store: AsyncStore, databases: Mapping[str, AsyncDatabase], on_step: OnStep = no_step
) -> _T:
    """Until it returns or raises."""
    try:
        ask = next(work)
        while True:
            on_step(f"before {ask.label}")
            answer = await _perform_async(ask, store, databases)
            on_step(f"after {ask.label}")
            ask = work.send(answer)
    except StopIteration as stop:
        value: _T = stop.value
        return value


async def _perform_async(ask: Ask, store: AsyncStore, databases: Mapping[str, AsyncDatabase]) -> Answer:
    if isinstance(ask.what, Statement):
        return await databases[ask.to].perform(ask.what)
    if isinstance(ask.what, Calls):
        return await store.perform(ask.what)
    await asyncio.sleep(ask.what.seconds)
    return _RESTED


async def drive_through(
    work: Work[_T], store: AsyncStore, databases: Mapping[str, AsyncDatabase], on_step: OnStep = no_step
) -> _T:
    """As ``drive_async``, to the end even when the caller is cancelled meanwhile.

    A decision is not left half-way.
    """
    task = asyncio.ensure_future(drive_async(work, store, databases, on_step))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait((task,))
        if not task.cancelled():
            task.exception()
        raise


_RESTED: Final = Rows()
