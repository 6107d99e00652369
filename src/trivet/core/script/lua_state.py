"""The only door to Lua: makes states that know nothing of Python, and types what lupa leaves untyped."""

from typing import Final, Protocol, cast

import lupa.lua51

MEMORY_ERROR: Final[type[Exception]] = lupa.lua51.LuaMemoryError
"""A Lua state has met its memory limit."""


class LuaFunction(Protocol):
    """A Lua function held by Python."""

    def __call__(self, *args: object) -> object:
        """Call it. What several values it returns come as a tuple."""
        ...


class LuaState(Protocol):
    """One Lua state, as far as this room uses it."""

    def execute(self, code: bytes, *args: object) -> "LuaFunction":
        """Run a chunk, text or bytecode, with arguments."""
        ...

    def table_from(self, items: list[bytes]) -> object:
        """A new table."""
        ...

    def set_max_memory(self, size: int) -> None:
        """The memory limit beyond what a new state uses, in bytes; 0: none."""
        ...

    def get_memory_used(self) -> int:
        """Bytes beyond what a new state uses."""
        ...


def _no_attributes(item: object, name: object, is_setting: bool) -> object:
    raise AttributeError("not accessible")


def new_state(memory_bytes_max: int) -> LuaState:
    """A new Lua 5.1 state: strings are bytes, no Python object has attributes, none can be made."""
    state = lupa.lua51.LuaRuntime(
        encoding=None,
        unpack_returned_tuples=False,
        register_eval=False,
        register_builtins=False,
        attribute_filter=_no_attributes,
        max_memory=memory_bytes_max,
    )
    return cast(LuaState, state)
