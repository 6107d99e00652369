"""The command group: version, help, quick start."""

import platform
import subprocess
import sys

import pytest

from trivet import __version__
from trivet.cli.main import _COMMANDS, command


def test_version_says_which_build_and_which_python(cli):
    said = cli.invoke(command, ["--version"]).output
    assert said in (
        f"trivet {__version__} (pure, Python {platform.python_version()})\n",
        f"trivet {__version__} (compiled, Python {platform.python_version()})\n",
    )


def test_help_names_every_command(cli):
    said = cli.invoke(command, ["--help"]).output
    assert all(name in said for name in _COMMANDS)


@pytest.mark.parametrize("words", [[name] for name in _COMMANDS] + [["lab", "run"]])
def test_each_command_has_a_help_text(cli, words):
    result = cli.invoke(command, [*words, "--help"])
    assert result.exit_code == 0
    assert len(result.output.splitlines()) > 6


def test_help_text_of_the_group_is_that_of_the_commands(cli):
    for name, (_, summary) in _COMMANDS.items():
        assert summary.endswith(".")
        assert cli.invoke(command, [name, "--help"]).output.strip()


def test_unknown_command_and_option_exit_with_2(cli):
    assert cli.invoke(command, ["nonsense"]).exit_code == 2
    assert cli.invoke(command, ["up", "--nonsense"]).exit_code == 2
    assert cli.invoke(command, ["up", "--nodes", "4"]).exit_code == 2


def test_help_imports_neither_rich_nor_asyncio_nor_the_node():
    code = (
        "import sys; from click.testing import CliRunner; from trivet.cli.main import command;"
        "CliRunner().invoke(command, ['--help']);"
        "unwanted = ('rich', 'asyncio', 'uvloop', 'trivet.core.node', 'trivet.lab');"
        "print([m for m in unwanted if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
