"""Charts as inline SVG: lines over days, bars, and a matrix of shades. Each has a title and a description for readers
who do not see it; the tables beside them have every number.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise
from typing import Final

from markupsafe import Markup, escape

WIDTH, HEIGHT = 720, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 120, 12, 28
COLOURS: Final = ("#1f5f8b", "#c0652b", "#7a3e9d", "#a11d33")
"""Each at least 4.5 : 1 against white."""
GRID, INK = "#d5dbe1", "#33414e"


def line_chart(title: str, series: Mapping[str, Sequence[tuple[date, float]]]) -> Markup:
    """Shares over days, a line each, named at its end."""
    days = sorted({day for points in series.values() for day, _ in points})
    top = _round_up(max((share for points in series.values() for _, share in points), default=0.0))
    if len(days) < 2:
        return Markup("")
    span = (days[-1] - days[0]).days

    def x(day: date) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (day - days[0]).days / span

    def y(share: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share / top

    parts = [_grid(y(top * step / 4), f"{100 * top * step / 4:.1f} %") for step in range(5)]
    parts += [_label(x(b), HEIGHT - 8, f"{b:%b}") for a, b in pairwise(days) if a.month != b.month]
    ends = _spread([y(points[-1][1]) for points in series.values()])
    for (name, points), colour, end in zip(series.items(), COLOURS, ends, strict=False):
        path = " ".join(f"{x(day):.1f},{y(share):.1f}" for day, share in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        said = f"{name}: {100 * points[-1][1]:.1f} %"
        parts.append(_text(WIDTH - RIGHT + 6, end + 4, said, "start", colour))
    said = ", ".join(f"{name} ends at {100 * points[-1][1]:.1f} %" for name, points in series.items())
    return _svg(title, said, parts, HEIGHT)


def bar_chart(title: str, bars: Sequence[tuple[str, float, str]]) -> Markup:
    """Horizontal bars: name, size, and the number as text."""
    top = max((size for _, size, _ in bars), default=0) or 1
    parts = []
    for index, (name, size, said) in enumerate(bars):
        at, width = 8 + index * 24, (WIDTH - 360) * size / top
        parts.append(_text(232, at + 13, name, "end", INK))
        parts.append(f'<rect x="240" y="{at}" width="{max(width, 1):.1f}" height="17" fill="{COLOURS[0]}"/>')
        parts.append(_text(246 + width, at + 13, said, "start", INK))
    return _svg(title, "; ".join(f"{name} {said}" for name, _, said in bars), parts, 16 + 24 * len(bars))


def matrix(title: str, columns: Sequence[str], rows: Sequence[tuple[str, Sequence[float | None]]]) -> Markup:
    """Shares from 0 to 1 as shades, each with its number."""
    width, parts = (WIDTH - 110) / max(len(columns), 1), []
    parts.append('<g font-size="10">')
    parts += [_label(110 + width * (i + 0.5), 16, name) for i, name in enumerate(columns)]
    parts.append("</g>")
    for line, (name, shares) in enumerate(rows):
        at = 26 + line * 28
        parts.append(_text(102, at + 18, name, "end", INK))
        for i, share in enumerate(shares):
            parts.append(_cell(110 + width * i, at, width, share))
    said = f"{len(rows)} rows by {len(columns)} columns; the table below has the numbers"
    return _svg(title, said, parts, 34 + 28 * len(rows))


def _cell(x: float, y: float, width: float, share: float | None) -> str:
    if share is None:
        return f'<rect x="{x:.1f}" y="{y}" width="{width - 2:.1f}" height="26" fill="#f3f5f7"/>'
    light = 96 - 58 * share
    ink = "#ffffff" if share > 0.55 else INK
    return (
        f'<rect x="{x:.1f}" y="{y}" width="{width - 2:.1f}" height="26" fill="hsl(205,55%,{light:.0f}%)"/>'
        f'<text x="{x + width / 2 - 1:.1f}" y="{y + 17}" text-anchor="middle" fill="{ink}">{100 * share:.1f}</text>'
    )


def _svg(title: str, description: str, parts: Sequence[str], height: float) -> Markup:
    return Markup(  # noqa: S704  numbers of ours, and texts escaped where they are put in
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title><desc>{escape(description)}</desc>{''.join(parts)}</svg>"
    )


def _grid(y: float, name: str) -> str:
    line = f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>'
    return line + _text(LEFT - 6, y + 4, name, "end", INK)


def _label(x: float, y: float, text: str) -> str:
    return _text(x, y, text, "middle", INK)


def _text(x: float, y: float, text: str, anchor: str, colour: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'


def _round_up(share: float) -> float:
    """A round top for the axis."""
    return next((top for top in (0.02, 0.04, 0.08, 0.12, 0.16, 0.2, 0.3, 0.5) if share <= top), 1.0)


def _spread(heights: Sequence[float]) -> list[float]:
    """The same heights, at least a line of text apart, in the order given."""
    placed = sorted(range(len(heights)), key=lambda i: heights[i])
    out = list(heights)
    for before, after in pairwise(placed):
        out[after] = max(out[after], out[before] + 14)
    return out
