"""An SVG of small charts: one a question, a bar a point, as high as the throughput beside the plain decrement's, p99 written
below. Readable on light and dark pages."""
import html

WIDTH, HEIGHT, LEFT, TOP = 400, 230, 52, 34
PLOT_WIDTH, PLOT_HEIGHT = WIDTH - LEFT - 14, HEIGHT - TOP - 62
STYLE = """text{font:12px system-ui,sans-serif;fill:#222}.title{font-weight:600}.small{font-size:11px;fill:#555}.axis{stroke:#888}
.grid{stroke:#ddd}.bar{fill:#3b6fb6}
@media (prefers-color-scheme:dark){text{fill:#e6e6e6}.small{fill:#aaa}.grid{stroke:#444}.bar{fill:#7aa7e8}}"""


def ticks(most):
    for step in (0.1, 0.2, 0.25, 0.5, 1, 2, 2.5, 5, 10, 20):
        if most / step <= 4.5:
            return [number * step for number in range(int(most / step) + 2)]
    return [0, most]


def chart(x, y, title, points):
    """`points`: (label, ratio, p99 in ms)."""
    marks = ticks(max(ratio for _, ratio, _ in points))
    top = marks[-1]
    out = [f'<g transform="translate({x},{y})"><text class="title" x="0" y="16">{html.escape(title)}</text>',
           f'<text class="small" transform="translate(12,{TOP + PLOT_HEIGHT}) rotate(-90)">times the plain decrement</text>']
    for mark in marks:
        at = TOP + PLOT_HEIGHT * (1 - mark / top)
        out.append(f'<line class="grid" x1="{LEFT}" x2="{LEFT + PLOT_WIDTH}" y1="{at:.1f}" y2="{at:.1f}"/>'
                   f'<text class="small" x="{LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">{mark:g}</text>')
    each = PLOT_WIDTH / len(points)
    for number, (label, ratio, p99) in enumerate(points):
        middle, height = LEFT + each * (number + 0.5), PLOT_HEIGHT * ratio / top
        out.append(f'<rect class="bar" x="{middle - each * 0.3:.1f}" y="{TOP + PLOT_HEIGHT - height:.1f}" width="{each * 0.6:.1f}" height="{height:.1f}">'
                   f'<title>{html.escape(label)}: {ratio:.2f} x, p99 {p99:.0f} ms</title></rect>'
                   f'<text x="{middle:.1f}" y="{TOP + PLOT_HEIGHT + 16}" text-anchor="middle">{html.escape(label)}</text>'
                   f'<text class="small" x="{middle:.1f}" y="{TOP + PLOT_HEIGHT + 31}" text-anchor="middle">{p99:.0f} ms</text>')
    out.append(f'<line class="axis" x1="{LEFT}" x2="{LEFT + PLOT_WIDTH}" y1="{TOP + PLOT_HEIGHT}" y2="{TOP + PLOT_HEIGHT}"/></g>')
    return "\n".join(out)


def svg(charts):
    """`charts`: (title, points), in reading order, two a row."""
    rows = (len(charts) + 1) // 2
    body = "\n".join(chart(16 + (number % 2) * (WIDTH + 16), 8 + (number // 2) * HEIGHT, title, points)
                     for number, (title, points) in enumerate(charts))
    width, height = 2 * WIDTH + 48, rows * HEIGHT + 16
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="How throughput changes">'
            f"<style>{STYLE}</style>\n{body}\n</svg>\n")
