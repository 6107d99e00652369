"""Flask-Limiter and the library `limits` below it: every strategy, two instances that share their limits."""

import pytest

from tests.libraries.running import python

pytestmark = [pytest.mark.cluster, pytest.mark.xdist_group("libraries")]


@pytest.mark.parametrize("part", ["flask", "limits", "limits_async"])
def test_flask_limiter(run, part):
    run(python(), "flask_limits.py", part)
