"""redis-py 8 and 5: what applications build from it, through any node."""

import pytest

from tests.libraries.running import python

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("libraries")]
PARTS = ["lock", "pipelines", "pubsub", "scripts", "streams", "blocking"]


@pytest.mark.parametrize("part", [*PARTS, *(f"{part}_async" for part in PARTS), "keyspace_events", "types"])
@pytest.mark.parametrize("version", [8, 5])
def test_redis_py(run, version, part):
    run(python(own=version == 8), "redis_py.py", part, "2", "3")
