"""Draws a directed graph in layers, as a picture for a browser.

Layered drawing after K. Sugiyama, S. Tagawa, M. Toda: Methods for visual understanding of
hierarchical system structures, 1981: boxes are put in layers, the order within a layer is that
of the boxes they are joined to, and arrows pass the layers between on places of their own.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise

_LETTER = 7.0  # pixels that a letter takes, about
_LINE = 17
_PADDING = 10
_GAP = 26  # between neighbours
_LEVEL = 58  # between layers, where the labels of arrows stand
_PASSING = 14  # room for an arrow that passes a layer
_LABEL = 100  # room for the label of an arrow where it starts
_LABEL_DROP = 13
_BESIDE = 16  # between arrows that arrive at a box
_SWEEPS = 8
_SMALLEST = 0.7  # of the natural size, where the page is narrow


@dataclass(eq=False)
class Box:
    """A box of the picture.

    Attributes:
        lines: what stands in it; the first line is set bold.
        kind: its class, for the page's style sheet.
        link: where a click on it leads.
        hint: what is shown while the mouse rests on it.
        heat: from 0 to 1, how much of the colour for heat it gets.
    """

    lines: Sequence[str]
    kind: str = "step"
    link: str = ""
    hint: str = ""
    heat: float = 0.0


@dataclass(eq=False)
class Arrow:
    """An arrow from a box to others.

    Attributes:
        source: where it starts.
        targets: where it leads.
        label: what it carries.
    """

    source: Box
    targets: Sequence[Box]
    label: str = ""


@dataclass(eq=False)
class _Place:
    """A place in a layer: of a box, or where an arrow passes.

    Attributes:
        x: the middle.
        above, below: the places that it is joined to in the neighbouring layers.
    """

    width: float
    height: float = 0.0
    x: float = 0.0
    above: list["_Place"] = field(default_factory=list)
    below: list["_Place"] = field(default_factory=list)


def draw(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> str:
    """The picture, as an SVG element.

    Args:
        boxes: the boxes, each after those from which arrows lead to it.
        arrows: the arrows.
    """
    return _Drawing(boxes, arrows).svg()


class _Drawing:
    def __init__(self, boxes: Sequence[Box], arrows: Sequence[Arrow]) -> None:
        self._arrows = arrows
        outgoing = {box: sum(arrow.source is box for arrow in arrows) for box in boxes}
        self._places = {box: _room_for(box, outgoing[box]) for box in boxes}
        self._levels = _levels(boxes, arrows)
        self._layers: list[list[_Place]] = [[] for _ in range(max(self._levels.values()) + 1)]
        for box, place in self._places.items():
            self._layers[self._levels[box]].append(place)
        # For each arrow the places where it passes, by layer.
        self._passages = {arrow: self._pass_through(arrow) for arrow in arrows}
        self._order()
        self._spread()
        self._tops = list(self._stacked())

    def _pass_through(self, arrow: Arrow) -> dict[int, _Place]:
        """Make places for an arrow in the layers that it crosses, and join it all."""
        passages: dict[int, _Place] = {}
        start = self._levels[arrow.source]
        before = self._places[arrow.source]
        last = max((self._levels[target] for target in arrow.targets), default=start)
        for level in range(start + 1, last + 1):
            for target in arrow.targets:
                if self._levels[target] == level:
                    _join(before, self._places[target])
            if level < last:
                passages[level] = _Place(_PASSING)
                self._layers[level].append(passages[level])
                _join(before, passages[level])
                before = passages[level]
        return passages

    def _order(self) -> None:
        """Sort each layer by where the neighbours stand in the layer before, to and fro."""
        for sweep in range(_SWEEPS):
            is_down = sweep % 2 == 0
            layers = self._layers if is_down else self._layers[::-1]
            for before, layer in pairwise(layers):
                rank = {place: number for number, place in enumerate(before)}
                middle = {
                    place: _mean(
                        (rank[n] for n in (place.above if is_down else place.below)), number
                    )
                    for number, place in enumerate(layer)
                }
                layer.sort(key=middle.__getitem__)

    def _spread(self) -> None:
        """Let each place stand as near to its neighbours as the others in its layer allow."""
        for layer in self._layers:
            _set_apart(layer, [0.0] * len(layer))
        for sweep in range(_SWEEPS):
            is_down = sweep % 2 == 0
            for layer in self._layers if is_down else self._layers[::-1]:
                wanted = [
                    _mean((other.x for other in (*place.above, *place.below)), place.x)
                    for place in layer
                ]
                _set_apart(layer, wanted)
        left = min(place.x - place.width / 2 for layer in self._layers for place in layer)
        for layer in self._layers:
            for place in layer:
                place.x += _GAP - left

    def _stacked(self) -> Iterator[float]:
        """Where each layer begins."""
        top = float(_PADDING)
        for layer in self._layers:
            yield top
            top += max(place.height for place in layer) + _LEVEL
        self._height = top - _LEVEL + _PADDING

    def svg(self) -> str:
        width = _GAP + max(p.x + p.width / 2 for layer in self._layers for p in layer)
        parts = [*self._drawn_arrows(), *map(self._drawn_box, self._places)]
        return (
            f'<svg viewBox="0 0 {width:.0f} {self._height:.0f}" role="img" '
            f'style="width:min({width:.0f}px, max(100%, {_SMALLEST * width:.0f}px))" '
            f'aria-label="the steps and what they give to each other">'
            f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            f'markerHeight="7" orient="auto"><path class="tip" d="M0 0L8 4L0 8z"/></marker></defs>'
            f"{''.join(parts)}</svg>"
        )

    def _drawn_box(self, box: Box) -> str:
        place, top = self._places[box], self._tops[self._levels[box]]
        left = place.x - place.width / 2
        lines = "".join(
            f'<text x="{place.x:.1f}" y="{top + _PADDING + 12 + number * _LINE:.1f}"'
            f"{' class=head' if number == 0 else ''}>{escape(line)}</text>"
            for number, line in enumerate(box.lines)
        )
        hint = f"<title>{escape(box.hint)}</title>" if box.hint else ""
        drawn = (
            f'<g class="box {box.kind}" style="--heat:{box.heat:.3f}">{hint}'
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{place.width:.1f}" '
            f'height="{place.height:.1f}" rx="7"/>{lines}</g>'
        )
        return f'<a href="{escape(box.link)}">{drawn}</a>' if box.link else drawn

    def _drawn_arrows(self) -> Iterator[str]:
        ports: dict[Box, int] = {}
        for arrow in self._arrows:
            source = self._places[arrow.source]
            count = sum(other.source is arrow.source for other in self._arrows)
            number = ports[arrow.source] = ports.get(arrow.source, -1) + 1
            x = source.x + (number - (count - 1) / 2) * _LABEL
            yield from self._drawn_arrow(arrow, x)

    def _drawn_arrow(self, arrow: Arrow, x: float) -> Iterator[str]:
        level = self._levels[arrow.source]
        before = self._places[arrow.source]
        y = self._tops[level] + before.height
        if arrow.label:
            at = f'x="{x + 5:.1f}" y="{y + _LABEL_DROP:.1f}"'
            yield f'<text class="label" {at}>{escape(arrow.label)}</text>'
        passages = self._passages[arrow]
        for here in range(level + 1, len(self._layers)):
            top = self._tops[here]
            for target in arrow.targets:
                if self._levels[target] == here:
                    end = _arrival(before, self._places[target])
                    yield f'<path class="arrow" d="{_curve(x, y, end, top - 1)}"/>'
            if here not in passages:
                return
            before = passages[here]
            down = top + max(place.height for place in self._layers[here])
            yield f'<path class="line" d="{_curve(x, y, before.x, top)} V{down:.1f}"/>'
            x, y = before.x, down


def _room_for(box: Box, outgoing: int) -> _Place:
    """The place of a box, wide enough for its text and its arrows."""
    written = max(len(line) for line in box.lines) * _LETTER + 2 * _PADDING
    return _Place(max(written, outgoing * _LABEL), len(box.lines) * _LINE + 2 * _PADDING - 4)


def _levels(boxes: Sequence[Box], arrows: Sequence[Arrow]) -> dict[Box, int]:
    """The layer of each box: below all that lead to it; the first ones right above theirs."""
    levels = dict.fromkeys(boxes, 0)
    incoming = {box: [arrow for arrow in arrows if box in arrow.targets] for box in boxes}
    for box in boxes:
        levels[box] = max((levels[arrow.source] + 1 for arrow in incoming[box]), default=0)
    for box in boxes:
        followers = [t for arrow in arrows if arrow.source is box for t in arrow.targets]
        if not incoming[box] and followers:
            levels[box] = min(levels[follower] for follower in followers) - 1
    lowest = min(levels.values())
    return {box: level - lowest for box, level in levels.items()}


def _join(upper: _Place, lower: _Place) -> None:
    upper.below.append(lower)
    lower.above.append(upper)


def _mean(values: Iterable[float], otherwise: float) -> float:
    found = list(values)
    return sum(found) / len(found) if found else otherwise


def _set_apart(layer: Sequence[_Place], wanted: Sequence[float]) -> None:
    """Put places in their order as near to where they are wanted as their widths allow.

    Places that would overlap stand side by side around the mean of what they want.
    """
    offsets, total = [], 0.0
    for place in layer:
        offsets.append(total + place.width / 2)
        total += place.width + _GAP
    groups: list[list[float]] = []  # of each group the sum of its wishes, and its size
    for wish, offset in zip(wanted, offsets, strict=True):
        groups.append([wish - offset, 1])
        while len(groups) > 1 and groups[-2][0] / groups[-2][1] > groups[-1][0] / groups[-1][1]:
            wishes, size = groups.pop()
            groups[-1][0] += wishes
            groups[-1][1] += size
    starts = [wishes / size for wishes, size in groups for _ in range(int(size))]
    for place, start, offset in zip(layer, starts, offsets, strict=True):
        place.x = start + offset


def _arrival(before: _Place, target: _Place) -> float:
    """Where on top of a box what comes from a place arrives, so that no arrows cross there."""
    order = sorted(dict.fromkeys(target.above), key=lambda place: place.x)
    return target.x + (order.index(before) - (len(order) - 1) / 2) * _BESIDE


def _curve(x: float, y: float, to_x: float, to_y: float) -> str:
    """A path from a point downwards to another."""
    middle = (y + to_y) / 2
    return f"M{x:.1f} {y:.1f} C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"
