"""Takes the picture of the page that the README shows. Run after `make demo`: `.venv/bin/python docs/picture.py`."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from perennial.settings import settings

HERE = Path(__file__).resolve().parent
SIZE = "1000,870"


def main() -> None:
    """Open the demo's page in a browser without a window, and keep what it shows first."""
    browser = next(path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name)))
    page = settings().pages / "flights.html"
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--window-size={SIZE}"]
        options += [f"--user-data-dir={profile}", "--force-prefers-color-scheme=light"]
        subprocess.run([browser, *options, f"--screenshot={HERE / 'page.png'}", page.as_uri()], check=True)


if __name__ == "__main__":
    main()
