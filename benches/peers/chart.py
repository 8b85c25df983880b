"""Charts as SVG, legible on light and on dark pages. Nothing but the standard library."""

import math
from html import escape

STYLE = """<style>
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f }
  .title { font-weight: 600 } .small { font-size: 11px; fill: #59636e } .ours { font-weight: 600 }
  .grid { stroke: #d1d9e0; stroke-width: 1 }
  .a { fill: #0969da; stroke: #0969da } .b { fill: #8c959f; stroke: #8c959f } .c { fill: #afb8c1; stroke: #afb8c1 }
  .line { fill: none; stroke-width: 2 } .dash { stroke-dasharray: 5 4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .grid { stroke: #3d444d }
    .a { fill: #4493f8; stroke: #4493f8 } .b { fill: #8b949e; stroke: #8b949e } .c { fill: #656c76; stroke: #656c76 }
  }
</style>"""


def text(x, y, words, kind="", anchor="start"):
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(str(words))}</text>'


def line(x1, y1, x2, y2, kind="grid"):
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def page(width, height, title, parts):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img">\n'
        f"<title>{escape(title)}</title>\n{STYLE}\n" + "\n".join(parts) + "\n</svg>\n"
    )


def number(value):
    """Three digits, and thousands and millions in short."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:.3g}"


def decades(values):
    """The powers of ten around the values, as exponents."""
    return math.floor(math.log10(min(values))), max(
        math.ceil(math.log10(max(values))), math.floor(math.log10(min(values))) + 1
    )


def bars(top, width, title, rows):
    """Bars on a logarithmic axis: rows of (label, value, kind, note). Returns (parts, height)."""
    left, right, step = 330, width - 120, 24
    low, high = decades([value for _, value, _, _ in rows])
    place = lambda value: left + (math.log10(value) - low) / (high - low) * (right - left)
    bottom = top + 30 + step * len(rows)
    parts = [text(4, top + 16, title, "title")]
    for exponent in range(low, high + 1):
        x = place(10**exponent)
        parts += [line(x, top + 24, x, bottom), text(x, bottom + 14, f"{10**exponent:g} s", "small", "middle")]
    for index, (label, value, kind, note) in enumerate(rows):
        y = top + 28 + step * index
        parts.append(text(left - 10, y + 14, label, "ours" if kind == "a" else "", "end"))
        parts.append(
            f'<rect x="{left}" y="{y + 3}" width="{max(place(value) - left, 2):.1f}" height="15" rx="2" class="{kind}"/>'
        )
        parts.append(text(place(value) + 6, y + 14, note, "small"))
    return parts, bottom + 24 - top


def logarithmic(values):
    """Where a value stands (0..1), and the ticks."""
    low, high = decades(values)
    return (lambda value: (math.log10(value) - low) / (high - low)), [10**exponent for exponent in range(low, high + 1)]


def linear(values):
    """The same from 0 on, with two to five ticks."""
    most = max(values) or 1
    size = 10 ** math.floor(math.log10(most))
    tick = next(tick for tick in (size / 2, size, size * 2, size * 5) if most / tick <= 4)
    count = math.ceil(most / tick)
    return (lambda value: value / (tick * count)), [tick * index for index in range(count + 1)]


def curves(x, y, width, height, title, unit, axis, marks, series, dots=True):
    """Lines: axis is one of the two above, marks are (position 0..1, label), series (kind, [(position, value)]).
    Lines of many points have no dots, and no numbers at them."""
    share, ticks = axis([value for _, points in series for _, value in points])
    along = lambda position: x + 22 + position * (width - 44)
    parts = [text(x, y - 28, title, "title")]
    for tick in ticks:
        level = y + height - share(tick) * height
        parts += [line(x, level, x + width, level), text(x - 6, level + 4, f"{number(tick)} {unit}".strip(), "small", "end")]
    parts += [text(along(position), y + height + 18, label, "small", "middle") for position, label in marks]
    for kind, points in series:
        spots = [(along(position), y + height - share(value) * height, value) for position, value in points]
        parts.append(
            f'<polyline points="{" ".join(f"{a:.1f},{b:.1f}" for a, b, _ in spots)}" class="line {kind}" style="fill:none"/>'
        )
        for a, b, value in spots if dots else ():
            parts.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" class="{kind.split()[0]}"/>')
            if kind.startswith("a"):
                parts.append(text(a, b - 9, number(float(f"{value:.3g}")), "small", "middle"))
    return parts
