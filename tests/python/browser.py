"""A headless Chromium for tests that look at pages, driven by the DevTools protocol over a pipe.

`scripts/get_chromium.sh` puts it into `.venv/chromium`. Tests take the fixture `browser`:

    def test_page(browser):
        page = browser.open(Path("report.html"))
        assert page.evaluate("document.title") == "report"

A machine without it skips these tests and says so; under CI=true they fail.
"""

from __future__ import annotations

import base64
import fcntl
import io
import json
import os
import select
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".venv/chromium"
PATIENCE = 30.0  # seconds for one answer
# One process and software rendering: no sandbox, no GPU and no shared memory are needed.
FLAGS = [
    "--headless=shell", "--no-sandbox", "--no-zygote", "--single-process", "--in-process-gpu", "--disable-dev-shm-usage",
    "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--font-render-hinting=none",
    "--hide-scrollbars", "--disable-background-networking", "--remote-debugging-pipe",
]  # fmt: skip
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{fonts}</dir><cachedir>{cache}</cachedir></fontconfig>
"""


class Browser:
    """One Chromium; each page that it opens replaces the one before."""

    def __init__(self, home: Path) -> None:
        (home / "fonts.conf").write_text(FONTS.format(fonts=FOLDER / "fonts", cache=home / "fonts-cache"))
        commands, self._write = os.pipe()
        self._read, answers = os.pipe()
        # Chromium takes commands from descriptor 3 and answers on 4; theirs must be neither.
        to_read, to_write = (fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (commands, answers))
        words = [str(FOLDER / "chromium"), *FLAGS, f"--user-data-dir={home / 'profile'}", "about:blank"]
        shell = ["bash", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "chromium", *words]
        self._log = (home / "log").open("w+b")
        self._process = subprocess.Popen(
            shell,
            pass_fds=(to_read, to_write),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            env={
                "HOME": str(home),
                "PATH": os.environ["PATH"],
                "LD_LIBRARY_PATH": f"{FOLDER / 'lib'}:{FOLDER}",
                "FONTCONFIG_FILE": str(home / "fonts.conf"),
            },
        )
        for end in (commands, answers, to_read, to_write):
            os.close(end)
        self._buffer = b""
        self._number = 0
        self.events: list[dict[str, Any]] = []
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Network", "Runtime", "Log"]:
            self.call(f"{domain}.enable")

    def open(self, file: Path, *, width: int = 1200, height: int = 900, scheme: str = "light") -> Page:
        """Opens a file and waits until it is loaded; `scheme` is the colour scheme that the page is told."""
        self.events.clear()
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.call("Emulation.setEmulatedMedia", media="", features=features)
        answer = self.call("Page.navigate", url=file.resolve().as_uri())
        assert "errorText" not in answer, answer
        self._until("Page.loadEventFired")
        return Page(self)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """One command of the DevTools protocol, and its answer."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        end = time.monotonic() + PATIENCE
        while True:
            answer = self._receive(end, method)
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()
        os.close(self._read)
        os.close(self._write)
        self._log.close()

    def _until(self, event: str) -> None:
        end = time.monotonic() + PATIENCE
        while not any(seen["method"] == event for seen in self.events):
            self._receive(end, event)

    def _receive(self, end: float, awaited: str) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, end - time.monotonic()))
            received = os.read(self._read, 1 << 20) if ready else b""
            if not received:
                self._log.seek(0)
                said = self._log.read()[-2000:].decode(errors="replace")
                raise AssertionError(f"Chromium did not answer ({awaited}); it said: {said or 'nothing'}")
            self._buffer += received
        text, self._buffer = self._buffer.split(b"\0", 1)
        message = json.loads(text)
        if "method" in message:
            self.events.append(message)
        return message


class Page:
    """What the browser shows."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self._browser.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def pixels(self, selector: str | None = None) -> np.ndarray:
        """`[height, width, 3]`: a picture of the element, or of the whole page."""
        box = self.evaluate(
            f"(() => {{ const box = document.querySelector({json.dumps(selector or 'html')}).getBoundingClientRect();"
            " return {x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height, scale: 1}; })()"
        )
        answer = self._browser.call("Page.captureScreenshot", format="png", clip=box, captureBeyondViewport=True)
        image = Image.open(io.BytesIO(base64.b64decode(answer["data"]))).convert("RGB")
        return np.asarray(image)

    def print(self) -> bytes:
        """The page as PDF."""
        return base64.b64decode(self._browser.call("Page.printToPDF", printBackground=True)["data"])

    def requests(self) -> list[str]:
        """The address of everything that the page asked for, itself included."""
        events = [event for event in self._browser.events if event["method"] == "Network.requestWillBeSent"]
        return [event["params"]["request"]["url"] for event in events]

    def complaints(self) -> list[str]:
        """Errors and warnings of the page."""
        said = [event["params"]["entry"]["text"] for event in self._browser.events if event["method"] == "Log.entryAdded"]
        thrown = [event["params"] for event in self._browser.events if event["method"] == "Runtime.exceptionThrown"]
        return said + [str(exception) for exception in thrown]


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium, the same for all tests."""
    if not (FOLDER / "chromium").exists():
        reason = f"{FOLDER / 'chromium'} is missing: run scripts/get_chromium.sh"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with tempfile.TemporaryDirectory(prefix="ferrome-chromium-") as home:
        chromium = Browser(Path(home))
        yield chromium
        chromium.close()
