"""mypyc takes the core: it gives C for all of it. (That the C compiles and works, `make test-compiled` shows.)"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]

TRANSLATE = """
import sys
from pathlib import Path
from hatch_build import modules_to_compile
from mypyc.build import mypycify

modules = modules_to_compile(Path(".."))
mypycify(
    ["--config-file", "../pyproject.toml", "--no-warn-unused-configs", *modules],
    target_dir=sys.argv[1],
    group_name="trivet_core",
)
"""


def test_the_core_can_be_compiled(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", TRANSLATE, str(tmp_path)],
        cwd=ROOT / "src",
        env={"PYTHONPATH": str(ROOT / "tools"), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
