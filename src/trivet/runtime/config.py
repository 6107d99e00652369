"""A node's configuration file: TOML, checked strictly, errors that name the file and the setting.

The settings of the node itself (``core.node.config.NodeConfig``) and those of this driver stand
side by side in one file; nobody who writes it should have to know which is whose.
"""

import re
import tomllib
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from trivet.core.base.ids import NodeId
from trivet.core.node.config import NodeConfig

_MIB = 1024 * 1024
_PATTERN = re.compile(r"(?P<what>.*?)(?: - at `\$?\.?(?P<path>.*)`)?", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`")
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`")
_Settings = TypeVar("_Settings", bound=msgspec.Struct)


class ConfigError(Exception):
    """A configuration that cannot be used: ``file: setting: what is wrong``."""


class Route(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where this node reaches another one, and only this one does: the end of a tunnel, say."""

    id: NodeId
    host: str
    peer_port: int


class RunSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the driver must be told, beside the node's own settings."""

    data: str
    """The data directory; relative to the configuration file."""
    listen: str = ""
    """The address for clients; empty: this node's ``host`` among the members."""
    peer_listen: str = ""
    """The address for other nodes; empty: the same."""
    routes: list[Route] = []
    """Other ways to peers than to where they say that they are."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    peer_output_bytes_max: int = 64 * _MIB
    """Unsent bytes for one peer beyond which the link is given up and dialed anew."""


class RunConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One node, ready to run."""

    node: NodeConfig
    settings: RunSettings
    data: Path


def load_config(path: Path) -> RunConfig:
    """Read and check a configuration file. Raises ``ConfigError``."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from error
    names = [field.name for field in msgspec.structs.fields(RunSettings)]
    mine = {name: table.pop(name) for name in names if name in table}
    if "birth" in table:
        raise ConfigError(f"{path}: birth: there is no such setting; the data directory has it")
    node = _convert(path, table, NodeConfig)
    settings = _convert(path, mine, RunSettings)
    problem = node.problem()
    if problem:
        raise ConfigError(f"{path}: {problem}")
    return RunConfig(node=node, settings=settings, data=path.parent / settings.data)


def _convert(path: Path, table: dict[str, object], to: type[_Settings]) -> _Settings:
    try:
        return msgspec.convert(table, to)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{path}: {_explain(str(error))}") from error


def _explain(text: str) -> str:
    """The library's words in ours: the setting's name first, then what is wrong with it."""
    match = _PATTERN.fullmatch(text)
    assert match is not None
    where, what = match["path"] or "", match["what"]
    for pattern, says in ((_UNKNOWN, "there is no such setting"), (_MISSING, "missing")):
        named = pattern.fullmatch(what)
        if named is not None:
            return f"{where + '.' if where else ''}{named['name']}: {says}"
    what = what.replace("`", "")
    return f"{where}: {what[:1].lower()}{what[1:]}" if where else what
