from trivet.core.access.catalogue import CATALOGUE, CATEGORIES


def lines() -> list[tuple[str, list[str], list[str]]]:
    found = []
    for line in CATALOGUE.strip().splitlines():
        name, _, rest = line.partition(": ")
        categories, _, needs = rest.partition(" / ")
        found.append((name, categories.split(), needs.split()))
    return found


def test_every_line_is_a_name_its_categories_and_what_it_needs():
    for name, categories, needs in lines():
        assert name == name.lower()
        assert categories, name
        assert set(categories) <= set(CATEGORIES), name
        assert set(needs) <= {"r", "w", "rw", "-"}, name


def test_names_stand_once_and_containers_before_their_subcommands():
    names = [name for name, _, _ in lines()]
    assert len(set(names)) == len(names) > 360
    for at, name in enumerate(names):
        container, stroke, _ = name.partition("|")
        assert not stroke or container in names[:at]


def test_every_command_is_either_fast_or_slow():
    for name, categories, _ in lines():
        assert ("fast" in categories) is not ("slow" in categories), name
