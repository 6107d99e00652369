from trivet.core.access.commands import (
    BOTH,
    CATEGORY_MASKS,
    COMMANDS,
    EVERYTHING,
    FUTURE,
    OF_REDIS,
    READ,
    WRITE,
    command_named,
)
from trivet.core.command.introspection import categories
from trivet.core.command.table import ROWS, SUBROWS


def all_rows():
    return [*ROWS.values(), *(row for rows in SUBROWS.values() for row in rows.values())]


def test_every_row_is_a_command_that_rules_can_name():
    assert {row.name for row in all_rows()} <= COMMANDS.keys()


def test_categories_of_the_rows_are_those_of_the_catalogue():
    for row in all_rows():
        bit = COMMANDS[row.name].bit
        assert {name for name, mask in CATEGORY_MASKS.items() if mask & bit} == set(categories(row)), row.name


def test_a_row_with_keys_says_what_it_needs_for_them():
    for row in all_rows():
        has_keys = row.first_key != 0 or row.key_finder is not None
        if row.group != "pubsub" and not COMMANDS[row.name].has_subcommands:
            assert bool(COMMANDS[row.name].keys) is has_keys, row.name


def test_bits_are_of_one_command_each():
    bits = [command.bit for command in COMMANDS.values()]
    assert sum(bits) == EVERYTHING - FUTURE
    assert all(bit.bit_count() == 1 for bit in bits)
    assert OF_REDIS & FUTURE == 0


def test_a_container_holds_its_subcommands():
    config, setting = COMMANDS["config"], COMMANDS["config|set"]
    assert config.mask & setting.bit
    assert config.has_subcommands
    assert setting.is_subcommand
    assert setting.mask == setting.bit


def test_what_commands_need():
    assert COMMANDS["get"].keys == (READ,)
    assert COMMANDS["rename"].keys == (BOTH, WRITE)
    assert COMMANDS["exists"].keys == (0,)
    assert COMMANDS["ping"].keys == ()


def test_names_in_any_case():
    assert command_named(b"Config|SET") is COMMANDS["config|set"]
    assert command_named(b"nosuch") is None


def test_what_redis_does_not_have_has_the_categories_of_its_row():
    assert CATEGORY_MASKS["connection"] & COMMANDS["client|setinfo"].bit
    assert not OF_REDIS & COMMANDS["client|setinfo"].bit
