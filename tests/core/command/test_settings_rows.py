from trivet.core.command.settings_kinds import buffer_limits
from trivet.core.command.settings_rows import ALIASES, BUFFER_LIMITS, SETTINGS


def test_every_default_is_a_value_of_its_kind():
    for name, setting in SETTINGS.items():
        assert setting.name == name
        assert setting.kind(setting.default) == setting.default, name
    assert buffer_limits(SETTINGS[BUFFER_LIMITS].default, b"normal 0 0 0") == SETTINGS[BUFFER_LIMITS].default


def test_other_names_are_of_settings_that_exist():
    assert all(name in SETTINGS and alias not in SETTINGS for alias, name in ALIASES.items())


def test_facts_are_not_to_be_changed():
    assert all(SETTINGS[name].fixed for name in (b"appendonly", b"save", b"databases"))
    assert not any(SETTINGS[name].fixed for name in (b"maxmemory", b"timeout", b"notify-keyspace-events"))
