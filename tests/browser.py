"""A real browser without a screen, for tests marked `browser`."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import Connection, connect

from tests.serving.running_service import wait_for

CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)


def dump_dom(page: Path, colours: int = 1, *more: str) -> str:
    """The DOM of a file after loading. colours: Chromium's number of the preferred scheme, 0 dark, 1 light."""
    return _loaded(page, colours, *more).stdout


def console_of(page: Path) -> list[str]:
    """What loading a file writes to the browser's console."""
    return [line for line in _loaded(page, 1, "--enable-logging=stderr").stderr.splitlines() if "CONSOLE" in line]


def _loaded(page: Path, colours: int, *more: str) -> subprocess.CompletedProcess[str]:
    quiet = ("disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--allow-file-access-from-files", *(f"--{q}" for q in quiet)]
    command += [f"--user-data-dir={page.parent / f'profile-{colours}'}"]
    command += [f"--blink-settings=preferredColorScheme={colours}", "--virtual-time-budget=5000", *more]
    shown = subprocess.run([*command, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=60)
    assert shown.returncode == 0, shown.stderr
    return shown


def evaluate(url: str, script: str, folder: Path, width: int = 390, leave: str = "") -> Any:
    """What an expression is worth on a page of a server, awaited, on a screen so many pixels wide.

    leave: an expression by which the browser goes on to another page, where the first one is evaluated then.

    By the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/), because a page of one server cannot
    look into that of another.
    """
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={folder}"]
    command += ["--remote-debugging-port=0", "--remote-allow-origins=*", "about:blank"]
    browser = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    where = folder / "DevToolsActivePort"
    try:
        wait_for(lambda: where.exists() and "/" in where.read_text())
        port = where.read_text().split()[0]
        pages = httpx.get(f"http://127.0.0.1:{port}/json/list", trust_env=False).json()
        (page,) = [each["webSocketDebuggerUrl"] for each in pages if each["type"] == "page"]
        screen = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": True}
        with connect(page, proxy=None) as devtools:
            _call(devtools, "Emulation.setDeviceMetricsOverride", **screen)
            _call(devtools, "Page.enable")
            _call(devtools, "Page.navigate", url=url)
            _loads(devtools)
            if leave:
                _call(devtools, "Runtime.evaluate", expression=leave)
                _loads(devtools)
            answer = _call(devtools, "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
            assert "exceptionDetails" not in answer, answer
            return answer["result"]["value"]
    finally:
        browser.terminate()
        browser.wait(60)


def _loads(devtools: Connection) -> None:
    """Wait until a page is loaded."""
    while json.loads(devtools.recv(timeout=60)).get("method") != "Page.loadEventFired":
        pass


def _call(devtools: Connection, method: str, **params: Any) -> Any:
    """The result of a method; events that come before it are passed over."""
    devtools.send(json.dumps({"id": 1, "method": method, "params": params}))
    while "id" not in (answer := json.loads(devtools.recv(timeout=60))):
        pass
    return answer["result"]
