"""Build hook: with TRIVET_COMPILE=1 the wheel carries src/trivet/core compiled by mypyc.

The sources stay in the wheel (tracebacks want them); the import system prefers the extension modules beside
them. Left pure are ``__init__`` files and every module that defines a ``msgspec.Struct``: mypyc drops the
keyword arguments and the element types of such classes, and a struct is C already. Without the variable the
hook does nothing, so an installation without a compiler gets the pure build.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SETUP = """
import sys
from setuptools import setup
from mypyc.build import mypycify

out, temporary, *modules = sys.argv[1:]
extensions = mypycify(
    ["--config-file", "../pyproject.toml", "--no-warn-unused-configs", "--explicit-package-bases", *modules],
    opt_level="2",
    debug_level="0",
    target_dir=temporary,
    group_name="trivet_core",
)
if sys.platform != "win32":
    for extension in extensions:
        # No fused multiply-add: it rounds once, and a replica on a machine without it rounds twice.
        extension.extra_compile_args = [*extension.extra_compile_args, "-ffp-contract=off"]
setup(
    name="trivet",
    packages=[],
    ext_modules=extensions,
    script_args=["-q", "build_ext", "--build-lib", out, "--build-temp", temporary],
)
"""


def wanted() -> bool:
    """True when this build is to be compiled."""
    return os.environ.get("TRIVET_COMPILE", "") not in ("", "0")


def defines_struct(source: str) -> bool:
    """True when a class of the module derives from ``msgspec.Struct``, directly or through another in it."""
    structs = {"Struct"}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef):
            bases = {
                base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
                for base in node.bases
            }
            if bases & structs:
                return True
    return False


def modules_to_compile(root: Path) -> list[str]:
    """The modules of core/ that mypyc compiles, as sorted paths below ``src/``."""
    config = tomllib.loads((root / "pyproject.toml").read_text())
    exclude = set(config["tool"]["trivet"]["compile"]["exclude"])
    source = root / "src"
    return [
        name
        for path in sorted(source.glob("trivet/core/**/*.py"))
        if path.name != "__init__.py"
        and (name := path.relative_to(source).as_posix()) not in exclude
        and not defines_struct(path.read_text())
    ]


def compile_core(root: Path, out: Path) -> list[Path]:
    """Compile into ``out``; returns the extension modules, each at its package path below ``out``."""
    with tempfile.TemporaryDirectory(prefix="trivet-mypyc-") as temporary:
        command = [sys.executable, "-c", _SETUP, str(out), temporary, *modules_to_compile(root)]
        subprocess.run(command, cwd=root / "src", check=True)
    return sorted(out.rglob("*.so")) + sorted(out.rglob("*.pyd"))


class CustomBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Hatchling's view of the above."""

    _directory: tempfile.TemporaryDirectory[str] | None = None

    def dependencies(self) -> list[str]:
        """What compiling needs beyond hatchling: the compiler, and the packages whose types it reads."""
        return (
            ["mypy>=1.15", "setuptools>=65", "msgspec", "sortedcontainers", "sortedcontainers-stubs"]
            if wanted()
            else []
        )

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the extension modules to the wheel."""
        if not wanted() or version == "editable":
            return
        self._directory = tempfile.TemporaryDirectory(prefix="trivet-build-")
        out = Path(self._directory.name)
        for path in compile_core(Path(self.root), out):
            build_data["force_include"][str(path)] = path.relative_to(out).as_posix()
        build_data["pure_python"] = False
        build_data["infer_tag"] = True

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove what was built beside the wheel."""
        if self._directory is not None:
            self._directory.cleanup()
