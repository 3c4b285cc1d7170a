"""A figure in other colours: what was drawn and laid out once is painted a second time.

Colours are exchanged by name. Turning them over by arithmetic, as a browser's filters do, makes
orange brown and yellow grey.
"""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.artist import Artist
from matplotlib.cm import ScalarMappable
from matplotlib.collections import Collection
from matplotlib.colors import Colormap, to_hex, to_rgba, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib.typing import ColorType

Colours = Mapping[str, str]
"""From a colour, as `#rrggbb`, to the one in its place."""
Maps = Mapping[str, Colormap]
"""From a colour map's name to the map in its place."""


def repaint(figure: Figure, colours: Colours, maps: Maps) -> None:
    """Exchange the colours of all that is on a figure; one that is not named stays."""
    for artist in figure.findobj():
        if isinstance(artist, ScalarMappable) and artist.get_array() is not None:
            artist.set_cmap(maps.get(artist.get_cmap().name, artist.get_cmap()))
        else:
            _exchange(artist, colours)


def _exchange(artist: Artist, colours: Colours) -> None:
    match artist:
        case Line2D():
            artist.set_markerfacecolor(_other(artist.get_markerfacecolor(), colours))
            artist.set_markeredgecolor(_other(artist.get_markeredgecolor(), colours))
            artist.set_color(_other(artist.get_color(), colours))
        case Text():
            artist.set_color(_other(artist.get_color(), colours))
            box = artist.get_bbox_patch()
            if box is not None:  # it is no child of the text
                _exchange(box, colours)
        case Patch():
            artist.set_facecolor(_other(artist.get_facecolor(), colours))
            artist.set_edgecolor(_other(artist.get_edgecolor(), colours))
        case Collection():
            face, edge = map(to_rgba_array, (artist.get_facecolor(), artist.get_edgecolor()))
            artist.set_facecolor([_other(tuple(each), colours) for each in face])
            artist.set_edgecolor([_other(tuple(each), colours) for each in edge])


def _other(colour: ColorType, colours: Colours) -> ColorType:
    """Return the colour in the place of another, as opaque as that is."""
    *_, alpha = to_rgba(colour)
    name = to_hex(colour)
    return to_rgba(colours.get(name, name), alpha) if alpha else "none"
