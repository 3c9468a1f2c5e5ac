"""A real Chromium, driven over the pipe of its DevTools protocol: one start, many pages."""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")

_FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
    "--remote-debugging-pipe",
)
# Chromium reads commands from descriptor 3 and writes answers to 4.
_STARTER: Final = """
import fcntl, os, sys
reading, writing = (fcntl.fcntl(int(fd), fcntl.F_DUPFD, 20) for fd in sys.argv[1:3])
os.dup2(reading, 3), os.dup2(writing, 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
_LIFE: Final = "Page.lifecycleEvent"

PATIENCE: Final = 60.0
"""Seconds that one answer of the browser may take on a busy machine."""

Message = dict[str, Any]  # JSON of the protocol: each method has its own shape


class LeftError(Exception):
    """The page went to another one while it was asked."""


class Browser:
    """One running Chromium."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM
        theirs_in, self._out = os.pipe()
        self._in, theirs_out = os.pipe()
        command = [sys.executable, "-ISc", _STARTER, str(theirs_in), str(theirs_out), CHROMIUM]
        command += [*_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(
            command,
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._number = 0
        self._buffer = b""
        self.events: list[Message] = []

    def close(self) -> None:
        """End the browser."""
        os.close(self._out)  # it leaves when its pipe is closed
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)

    def call(self, method: str, session: str | None = None, **params: object) -> Message:
        """Call a method of the protocol and return its result."""
        self._number += 1
        number = self._number
        message: Message = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = self.read(deadline)
            if answer is None:
                raise TimeoutError(f"{method} was not answered")
            if answer.get("id") == number:
                if "navigated" in str(answer.get("error")):
                    raise LeftError(method)
                assert "error" not in answer, (method, answer["error"])
                result: Message = answer["result"]
                return result
            self.events.append(answer)

    def read(self, deadline: float) -> Message | None:
        """Return the next message, or None when there was none until then."""
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return None
            chunk = os.read(self._in, 1 << 20)
            assert chunk, "the browser has gone"
            self._buffer += chunk
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: Message = json.loads(text)
        return message

    @contextmanager
    def page(
        self,
        *,
        width: int = 1200,
        height: int = 1000,
        is_dark: bool = False,
        has_script: bool = True,
        scale: float = 1,
    ) -> Iterator["Page"]:
        """Open a page in a profile of its own; close it in the end."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, attached["sessionId"])
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        page.call("Page.setLifecycleEventsEnabled", enabled=True)
        page.resize(width, height, scale=scale)
        page.prefer("dark" if is_dark else "light")
        page.call("Emulation.setScriptExecutionDisabled", value=not has_script)
        try:
            yield page
        finally:
            self.call("Target.disposeBrowserContext", browserContextId=context)
            self.events = [e for e in self.events if e.get("sessionId") != page.session]


class Page:
    """One tab."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self.session = session

    def call(self, method: str, **params: object) -> Message:
        """Call a method of the protocol on this page."""
        return self._browser.call(method, self.session, **params)

    def events(self, method: str) -> list[Message]:
        """Return the parameters of all events of one kind so far."""
        return [
            event["params"]
            for event in self._browser.events
            if event.get("sessionId") == self.session and event.get("method") == method
        ]

    def prefer(self, scheme: str) -> None:
        """Make the system's preference light or dark."""
        features = [
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]
        self.call("Emulation.setEmulatedMedia", features=features)

    def resize(self, width: int, height: int = 1000, *, scale: float = 1) -> None:
        """Make the window another size, in CSS pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", **size)

    def goto(self, url: str) -> None:
        """Load a page and wait until it is whole."""
        result = self.call("Page.navigate", url=url)
        assert "errorText" not in result, result
        loaded = ("load", result["loaderId"])
        deadline = time.monotonic() + PATIENCE
        while loaded not in [(e["name"], e["loaderId"]) for e in self.events(_LIFE)]:
            message = self._browser.read(deadline)
            assert message, "the page did not load"
            self._browser.events.append(message)

    def run(self, expression: str) -> Any:  # noqa: ANN401 - whatever the script says
        """Return what an expression comes to, promises awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression: str) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + PATIENCE
        while not self._is(expression):
            assert time.monotonic() < deadline, f"never came: {expression}"
            time.sleep(0.05)

    def _is(self, expression: str) -> bool:
        try:
            return bool(self.run(expression))
        except LeftError:  # the next page is on its way
            return False

    def press(self, key: str, *, code: int = 0, text: str = "") -> None:
        """Press and release a key."""
        parts: Mapping[str, object] = {"key": key, "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **parts)
        self.call("Input.dispatchKeyEvent", type="keyUp", **parts)

    def text(self, selector: str) -> str:
        """Return the text of the first element that a selector finds."""
        found = self.run(f"document.querySelector({json.dumps(selector)})?.textContent ?? null")
        assert isinstance(found, str), f"no {selector}"
        return " ".join(found.split())

    def html(self) -> str:
        """Return the document as it stands, also where no script may run."""
        root = self.call("DOM.getDocument", depth=0)["root"]
        html: str = self.call("DOM.getOuterHTML", nodeId=root["nodeId"])["outerHTML"]
        return html

    def picture(self, *, is_whole: bool = True) -> bytes:
        """Return a screenshot as PNG, of the whole page or of what is seen first."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=is_whole)
        return base64.b64decode(shot["data"])

    def height(self) -> int:
        """Return how tall the content is, in CSS pixels."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        return int(size["height"])

    def is_too_wide(self) -> bool:
        """Tell whether one has to scroll to the side."""
        metrics = self.call("Page.getLayoutMetrics")
        return bool(
            metrics["cssContentSize"]["width"] > metrics["cssLayoutViewport"]["clientWidth"]
        )

    def asked(self) -> list[str]:
        """Return the URLs of all requests."""
        return [event["request"]["url"] for event in self.events("Network.requestWillBeSent")]

    def complaints(self) -> list[str]:
        """Return what was said on the console, exceptions and violated policies among it."""
        entries = [event["entry"]["text"] for event in self.events("Log.entryAdded")]
        entries += [str(event["args"]) for event in self.events("Runtime.consoleAPICalled")]
        entries += [str(e["exceptionDetails"]) for e in self.events("Runtime.exceptionThrown")]
        return entries


@contextmanager
def running(profile: Path) -> Iterator[Browser]:
    """Start Chromium with a fresh profile; end it afterwards."""
    browser = Browser(profile)
    try:
        yield browser
    finally:
        browser.close()
