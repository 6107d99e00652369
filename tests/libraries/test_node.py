"""What runs under node: ioredis and BullMQ."""

import pytest

from tests.libraries.running import node

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("libraries")]


@pytest.mark.parametrize("part", ["basics", "pipelines", "pubsub", "scripts", "streams", "blocking"])
def test_ioredis(run, part):
    run(node(), "js/ioredis.js", part)


@pytest.mark.parametrize("part", ["results", "retries", "order", "flows", "schedule", "limits", "stalled"])
def test_bullmq(run, part):
    run(node(), "js/bullmq.js", part)
