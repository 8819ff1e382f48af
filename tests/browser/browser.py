"""A real Chromium, and what every page in it is held to.

Whatever a page asks of another host, or complains of in its console, is kept and fails the test.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

PHONE = {"width": 360, "height": 740}
TAP_PX = 44
"""The least that a thumb hits surely (WCAG 2.5.5)."""

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@cache
def executable() -> str | None:
    """The machine's Chromium: `CHROMIUM`, or one on the path; None when there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@contextmanager
def a_browser() -> Iterator[Browser]:
    """A fresh Chromium, gone at the end."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=QUIET)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Screen:
    """One phone's browser."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard_console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda asked: self._asked(asked.url))
        self.page.on("requestfailed", lambda asked: self._failed(asked.url, asked.failure or ""))

    def is_in_order(self) -> None:
        """Nothing was loaded from elsewhere, nothing complained, and all of it fits a phone."""
        assert not self.complaints, self.complaints
        width = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= self.page.viewport_size["width"], f"{width} px wide"  # type: ignore[index]  # it was given
        small = self.page.evaluate(SMALL_TARGETS, TAP_PX)
        assert not small, f"too small for a thumb: {small}"
        assert self.page.locator("html").get_attribute("lang")
        unnamed = self.page.evaluate(UNNAMED)
        assert not unnamed, f"a screen reader has no name for {unnamed}"
        pale = self.page.evaluate(PALE)
        assert not pale, f"too pale to read: {pale}"

    def reaches_by_keyboard(self) -> list[str]:
        """What Tab comes to, from the top to the end, each with a ring that can be seen."""
        self.page.evaluate("() => { document.activeElement?.blur(); scrollTo(0, 0) }")
        found: list[str] = []
        for _ in range(200):
            self.page.keyboard.press("Tab")
            at = self.page.evaluate(FOCUSED)
            if at is None:
                break
            assert at["ring"], f"no ring around {at['name']!r}"
            found.append(at["name"])
        return found

    def _heard_console(self, message: object) -> None:
        kind, text = getattr(message, "type", ""), getattr(message, "text", "")
        # Chromium reports the status of every answer that is no 2xx; the test expects its own.
        if kind in ("error", "warning") and "the server responded with a status" not in text:
            self.complaints.append(f"{kind}: {text}")

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.hostname not in ("127.0.0.1", None):
            self.complaints.append(f"asked {parts.hostname}")

    def _failed(self, url: str, why: str) -> None:
        # A page that is left gives up its long poll.
        if "ERR_ABORTED" not in why:
            self.complaints.append(f"{why}: {urlsplit(url).path}")


@contextmanager
def a_screen(
    browser: Browser,
    *,
    scripts: bool = True,
    scheme: Literal["light", "dark"] = "light",
    scale: float = 1,
) -> Iterator[Screen]:
    """A phone's screen, without memory of any other."""
    context = browser.new_context(
        viewport=PHONE,  # type: ignore[arg-type]  # a plain dict of the two
        java_script_enabled=scripts,
        color_scheme=scheme,
        device_scale_factor=scale,
        is_mobile=True,
        has_touch=True,
        locale="en-US",
        timezone_id="America/New_York",
    )
    try:
        yield Screen(context.new_page())
    finally:
        context.close()


# A link within a sentence is as high as its line, which WCAG exempts: the links in a text.
SMALL_TARGETS = """least => [...document.querySelectorAll("a, button, input, select, summary")]
  .filter(e => e.checkVisibility() && e.type !== "hidden" && !e.closest(".bubble"))
  .map(e => [e.textContent.trim() || e.name, e.getBoundingClientRect()])
  .filter(([_, box]) => box.width && box.right > 0 && (box.width < least || box.height < least))
  .map(([name, box]) => `${name}: ${Math.round(box.width)}x${Math.round(box.height)}`)"""

UNNAMED = """() => [...document.querySelectorAll("a, button, input, select, textarea")]
  .filter(e => e.checkVisibility() && e.type !== "hidden")
  .filter(e => !e.textContent.trim() && !e.ariaLabel && !e.labels?.length)
  .map(e => e.outerHTML.slice(0, 80))"""

FOCUSED = """() => {
  const e = document.activeElement;
  if (!e || e === document.body || e === document.documentElement) return null;
  const style = getComputedStyle(e);
  const name = (e.ariaLabel || e.textContent.trim() || e.placeholder || e.name || e.tagName);
  const ring = style.outlineStyle !== "none" && style.outlineWidth !== "0px";
  return {name: name.replace(/\\s+/g, " "), ring};
}"""

# WCAG 1.4.3: 4.5 to 1, or 3 to 1 for large text. Colours are asked of a canvas, which knows all
# ways of writing one; a see-through ground is mixed with what lies below.
PALE = """() => {
  const pen = new OffscreenCanvas(1, 1).getContext("2d", {willReadFrequently: true});
  const rgba = c => { pen.clearRect(0, 0, 1, 1); pen.fillStyle = c; pen.fillRect(0, 0, 1, 1);
    return [...pen.getImageData(0, 0, 1, 1).data]; };
  const ground = e => { for (; e; e = e.parentElement) {
    const c = rgba(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; }
    return rgba(getComputedStyle(document.documentElement).colorScheme.includes("dark")
      && matchMedia("(prefers-color-scheme: dark)").matches ? "black" : "white"); };
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255;
    return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; });
    return .2126 * r + .7152 * g + .0722 * b; };
  const found = [];
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility({visibilityProperty: true}) || e.closest("noscript")) continue;
    if (e.closest(".unseen, .skip, label[for=when]")) continue;
    const style = getComputedStyle(e), a = light(rgba(style.color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
    if (ratio < (size >= 24 || (bold && size >= 18.66) ? 3 : 4.5))
      found.push(`${e.textContent.trim().slice(0, 40)}: ${ratio.toFixed(2)}`);
  }
  return found;
}"""
