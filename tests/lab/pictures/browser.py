"""A real browser, driven over WebDriver with nothing but the standard library.

``chromedriver`` is started on a free port of its own choice and told to start a headless Chromium with an
empty profile. What the page says on its console, and what it throws, can be asked for.
"""

import base64
import json
import re
import shutil
import subprocess
import tempfile
import urllib.request
from pathlib import Path

FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key of an element's reference in WebDriver's answers."""
ANSWER_S = 60


def installed():
    """Whether a browser and its driver are there."""
    return shutil.which("chromedriver") is not None and shutil.which("chromium") is not None


class Browser:
    """One headless browser window."""

    def __init__(self, width=1280, height=860, dark=False):
        self._profile = tempfile.mkdtemp(prefix="trivet-browser-")
        self._driver = subprocess.Popen(
            [shutil.which("chromedriver"), "--port=0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._session = ""
        try:
            port = self._port()
            self._root = f"http://127.0.0.1:{port}"
            flags = [*FLAGS, f"--user-data-dir={self._profile}", f"--window-size={width},{height}"]
            options = {"binary": shutil.which("chromium"), "args": flags}
            wanted = {
                "goog:chromeOptions": options,
                "goog:loggingPrefs": {"browser": "ALL"},
            }
            answer = self._call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
            self._session = f"/session/{answer['sessionId']}"
            self._cdp(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500},
            )
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            self._cdp("Emulation.setEmulatedMedia", {"features": [scheme]})
        except BaseException:
            self.close()
            raise

    def _port(self):
        for line in self._driver.stdout:
            found = re.search(r"on port (\d+)", line)
            if found and int(found.group(1)):
                return int(found.group(1))
        raise RuntimeError("chromedriver ended without a port")

    def _call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self._root + path, data, {"Content-Type": "application/json"}, method=method
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=ANSWER_S) as answer:
            return json.load(answer)["value"]

    def _cdp(self, command, parameters):
        self._call("POST", f"{self._session}/goog/cdp/execute", {"cmd": command, "params": parameters})

    def open(self, path: Path):
        """Load a file."""
        self._call("POST", f"{self._session}/url", {"url": path.resolve().as_uri()})

    def run(self, script, *arguments):
        """Run JavaScript; ``return`` gives its value."""
        body = {"script": script, "args": list(arguments)}
        return self._call("POST", f"{self._session}/execute/sync", body)

    def click(self, css):
        """Click the element as a person would: it must be visible and not covered."""
        found = self._call("POST", f"{self._session}/element", {"using": "css selector", "value": css})
        self._call("POST", f"{self._session}/element/{found[ELEMENT]}/click", {})

    def press(self, *keys):
        """Press keys, one after the other."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self._call(
            "POST",
            f"{self._session}/actions",
            {"actions": [{"type": "key", "id": "keys", "actions": actions}]},
        )

    def point(self, x, y, click=False):
        """Move the mouse there, and click if asked."""
        moves = [{"type": "pointerMove", "duration": 0, "x": round(x), "y": round(y)}]
        if click:
            moves += [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        mouse = {"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"}, "actions": moves}
        self._call("POST", f"{self._session}/actions", {"actions": [mouse]})

    def text(self, css):
        """What an element says."""
        return self.run("return document.querySelector(arguments[0]).textContent", css)

    def complaints(self):
        """What went to the console since the last question."""
        return self._call("POST", f"{self._session}/se/log", {"type": "browser"})

    def screenshot(self, path: Path):
        """A picture of the window."""
        path.write_bytes(base64.b64decode(self._call("GET", f"{self._session}/screenshot")))

    def close(self):
        """End browser and driver."""
        try:
            if self._session:
                self._call("DELETE", self._session)
        finally:
            self._driver.terminate()
            self._driver.wait(timeout=10)
            self._driver.stdout.close()
            shutil.rmtree(self._profile, ignore_errors=True)
