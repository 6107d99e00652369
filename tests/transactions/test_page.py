"""The code in docs/transactions.md does what the page says."""

import re
from pathlib import Path

import pytest

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("transactions")]

PAGE = (Path(__file__).parents[2] / "docs" / "transactions.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
NODE, POSTGRES = "redis://127.0.0.1:7001/0", "postgresql://postgres@127.0.0.1:5432/postgres"
MARIADB = "mariadb://app:secret@127.0.0.1:3306/shop"


def test_the_blocks_run_one_after_another(bank, capsys):
    names = {"__name__": "page"}
    balances = [95, 90, 85, 80, 80]
    assert len(BLOCKS) == len(balances)
    for block, balance in zip(BLOCKS, balances, strict=True):
        for on_page, here in ((NODE, bank.db[0]), (POSTGRES, bank.postgres.dsn), (MARIADB, bank.mariadb.url)):
            block = block.replace(on_page, here)
        exec(block.replace("port=3306", f"port={bank.mariadb.port}"), names)
        bank.agree(balance)
    assert capsys.readouterr().out.split() == ["95", "90", "True"]
    names["pg"].close()
    names["my"].close()


def test_the_command_is_there():
    from click.testing import CliRunner

    from trivet.cli.main import command

    said = CliRunner().invoke(command, ["txn", "recover", "--help"]).output
    for word in re.findall(r"(?<=[ `])--[a-z][a-z-]*", PAGE):
        assert word in said, word
