"""Whether everybody can read and use a page: what can be told from the page itself."""

from __future__ import annotations

from collections.abc import Iterator

from tests.browser import Tab
from tests.reports.contrast import contrast

ENOUGH = 4.5
"""Contrast of text and what it lies on, as WCAG 2 asks of small letters."""
_FAULTS = r"""(() => {
  const faults = [], shown = (e) => e.checkVisibility();
  const name = (e) => e.outerHTML.slice(0, 100);
  for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
    if (![...e.labels].some((label) => label.textContent.trim()) && !e.ariaLabel)
      faults.push("no label: " + name(e));
  for (const e of document.querySelectorAll("a[href], button, summary"))
    if (!e.textContent.trim() && !e.ariaLabel) faults.push("no words: " + name(e));
  for (const e of document.querySelectorAll("img, svg[role=img], iframe"))
    if (!(e.alt || e.ariaLabel || e.title)) faults.push("no words: " + name(e));
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push("id twice: " + id);
  for (const e of document.querySelectorAll("[aria-describedby]"))
    for (const id of e.getAttribute("aria-describedby").split(" "))
      if (!ids.includes(id)) faults.push("not there: " + id);
  const levels = [...document.querySelectorAll("h1, h2, h3, h4")].map((e) => Number(e.tagName[1]));
  if (levels.filter((level) => level === 1).length !== 1) faults.push("not one h1");
  levels.forEach((level, k) => { if (k && level > levels[k - 1] + 1) faults.push("h" + level); });
  for (const e of document.querySelectorAll("table"))
    if (!e.querySelector("th")) faults.push("no headings: " + name(e));
  if (!document.documentElement.lang) faults.push("no language");
  if (!document.querySelector("main")) faults.push("no main part");
  return faults;
})()"""
_COLOURS = r"""(() => {
  const under = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!colour.startsWith("rgba(") || !colour.endsWith(" 0)")) return colour;
    }
    return getComputedStyle(document.body).backgroundColor;
  };
  const found = {};
  for (const e of document.querySelectorAll("body *")) {
    const own = [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (own && e.checkVisibility() && !e.closest("svg"))
      found[[getComputedStyle(e).color, under(e)]] ??= e.outerHTML.slice(0, 100);
  }
  return Object.entries(found);
})()"""


def faults(opened: Tab) -> list[str]:
    """Return what keeps somebody from reading or using a page: nothing, that is."""
    return [*opened.run(_FAULTS), *_pale(opened)]


def _pale(opened: Tab) -> Iterator[str]:
    """Yield the texts that can hardly be told from what they lie on."""
    for colours, where in opened.run(_COLOURS):
        ink, paper = (_parsed(each) for each in colours.replace("),", ")|").split("|"))
        found = contrast(ink, paper)
        if found < ENOUGH:
            yield f"{colours}: {found:.2f} in {where}"


def _parsed(colour: str) -> tuple[float, ...]:
    """Return a colour as `rgb(1, 2, 3)` says it."""
    numbers = colour.partition("(")[2].rstrip(")").replace(",", " ").split()
    return tuple(float(number) / 255 for number in numbers[:3])
