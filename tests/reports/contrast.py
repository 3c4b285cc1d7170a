"""How well colours can be told apart."""

from __future__ import annotations

from matplotlib.colors import to_rgba


def contrast(one: object, other: object) -> float:
    """Return the contrast of two colours, as WCAG 2 defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: object) -> float:
    """Return the relative luminance of a colour, as WCAG 2 defines it."""
    red, green, blue, _ = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in to_rgba(colour)  # type: ignore[arg-type] # of any form
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
