"""The sheet that a drawing is written on: layers of SVG elements, and the style they share.

Strategy: elements are strings, put into named layers and joined at the end, so that each part of a
drawing can put its lines under and its texts over those of the others.
"""

from html import escape
from typing import Final, Protocol

import msgspec

from trivet.lab.pictures.axis import Axis, Claim
from trivet.lab.pictures.columns import Block, Columns
from trivet.lab.pictures.palette import PAGE, Shade, text_on
from trivet.lab.recording import Recording

LAYERS: Final = ("ground", "walls", "lanes", "operations", "arrows", "marks", "labels", "callouts", "frame")
FONT: Final = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif"


class Plan(msgspec.Struct):
    """What is drawn, and where."""

    recording: Recording
    begin_us: int
    end_us: int
    folded_us: list[int]
    columns: Columns
    blocks: list[Block]
    axis: Axis
    shades: dict[str, Shade]
    fold_routine: bool


class Part(Protocol):
    """One concern of a drawing: it says what room it needs, and later draws itself."""

    def claims(self) -> list[Claim]:
        """Room for texts."""

    def moments(self) -> list[int]:
        """Times, in µs, that need a place on the axis."""

    def draw(self, sheet: "Sheet") -> None:
        """Put elements on the sheet."""


class Sheet:
    """Layers of elements."""

    def __init__(self) -> None:
        self._layers: dict[str, list[str]] = {layer: [] for layer in LAYERS}
        self.height = 0.0

    def put(self, layer: str, element: str) -> None:
        """Add an element as it is."""
        self._layers[layer].append(element)

    def line(self, layer: str, kind: str, x1: float, y1: float, x2: float, y2: float, more: str = "") -> None:
        """A straight line."""
        self.put(
            layer, f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"{more}/>'
        )

    def box(
        self,
        layer: str,
        kind: str,
        x: float,
        y: float,
        width: float,
        height: float,
        radius: float = 0,
        more: str = "",
    ) -> None:
        """A rectangle."""
        corner = f' rx="{radius:g}"' if radius else ""
        self.put(
            layer,
            f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{max(0.0, height):.1f}"{corner}{more}/>',
        )

    def words(self, layer: str, kind: str, x: float, y: float, text: str, anchor: str = "start") -> None:
        """A text whose baseline is at y."""
        at = "" if anchor == "start" else f' text-anchor="{anchor}"'
        self.put(layer, f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}"{at}>{safe(text)}</text>')

    def path(self, layer: str, kind: str, data: str, more: str = "") -> None:
        """A path."""
        self.put(layer, f'<path class="{kind}" d="{data}"{more}/>')

    def text(self, plan: Plan, title: str) -> str:
        """The whole document."""
        width, height = plan.columns.width, self.height
        layers = "".join(
            f'<g class="{name}">{"".join(elements)}</g>\n'
            for name, elements in self._layers.items()
            if elements
        )
        label = safe(title or "Space-time diagram")
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:.0f}" width="{width:g}" '
            f'height="{height:.0f}" role="img" aria-label="{label}" font-family="{FONT}" font-size="11">\n'
            f"<title>{label}</title>\n<style>{_style(plan.shades)}</style>\n{_DEFS}\n"
            f'<rect class="paper" width="100%" height="100%"/>\n{layers}</svg>\n'
        )


def safe(text: str) -> str:
    """The text for XML: escaped, and without characters that XML does not know."""
    return escape("".join(c if c.isprintable() else "�" for c in text), quote=True)


def role_class(shades: dict[str, Shade], role: str) -> str:
    """The CSS class of a role's band."""
    return f"r{list(shades).index(role)}" if role in shades else "r"


_DEFS: Final = (
    '<defs><pattern id="still" width="6" height="6" patternTransform="rotate(45)" '
    'patternUnits="userSpaceOnUse">'
    '<rect width="2" height="6" class="hatch"/></pattern></defs>'
)

_RULES: Final = """
.paper{fill:var(--bg)} text{fill:var(--ink)}
.title{font-size:15px;font-weight:600} .name{font-size:12.5px;font-weight:600}
.soft{fill:var(--soft)} .tiny{font-size:10px;fill:var(--soft)}
.halo,.cut,.lost,.mono{paint-order:stroke;stroke:var(--bg);stroke-width:3.5px;stroke-linejoin:round}
.mono{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:10px}
.lost{fill:var(--soft);font-style:italic} .cut{fill:var(--wall)}
.rule{stroke:var(--line);stroke-width:1} .guide{stroke:var(--line);stroke-width:1;stroke-dasharray:1 4}
.gone{stroke:var(--soft);stroke-width:1.2;stroke-dasharray:2 4}
.arrow{stroke:var(--msg);stroke-width:1.3;fill:none} .head{fill:var(--msg)}
.routine{opacity:.45} .late{stroke-dasharray:6 3} .twin{stroke-width:4;opacity:.45}
.twin2{stroke:var(--bg);stroke-width:1.4;fill:none}
.miss{stroke:var(--wall);stroke-width:1.8;fill:none}
.dead{stroke:var(--msg);stroke-width:1.3;opacity:.6;fill:none}
.wall{fill:var(--wall);opacity:.12} .edge{stroke:var(--wall);stroke-width:2.2;opacity:.75}
.part{stroke-dasharray:3 4;opacity:.55} .walltext{fill:var(--wall);font-size:10.5px;font-weight:600}
.pill{stroke:var(--bg);stroke-width:1} .pilltext{font-size:10px;font-weight:600}
.pillgone{fill:var(--bg);stroke:var(--soft)}
.hatch{fill:var(--soft)} .still{fill:url(#still)} .dot{fill:var(--ink);stroke:var(--bg);stroke-width:1}
.commit{fill:var(--ok);stroke:var(--bg);stroke-width:1} .bad{fill:var(--wall);stroke:var(--bg);stroke-width:1}
.ok{fill:var(--ok)} .fail{fill:var(--fail)} .info{fill:var(--info)} .verdict{fill:var(--red);font-weight:700}
.open{fill:none;stroke:var(--info);stroke-width:1.2;stroke-dasharray:3 2}
.cry{fill:var(--cry);stroke:var(--red);stroke-width:1.4} .crytext{fill:var(--red);font-weight:700}
.note{fill:var(--note);stroke:var(--blue);stroke-width:1} .notetext{fill:var(--blue);font-weight:700}
.body{font-size:12px} .break{fill:var(--bg)} .zig{stroke:var(--soft);stroke-width:1;fill:none;opacity:.7}
"""


def _style(shades: dict[str, Shade]) -> str:
    names = {**PAGE, **{f"r{place}": shade for place, shade in enumerate(shades.values())}}
    for place, (light_shade, dark_shade) in enumerate(shades.values()):
        if light_shade != "none":
            names[f"t{place}"] = (text_on(light_shade), text_on(dark_shade))
    light = ";".join(f"--{name}:{shade[0]}" for name, shade in names.items())
    dark = ";".join(f"--{name}:{shade[1]}" for name, shade in names.items())
    bands = "".join(
        f".r{place}{{fill:var(--r{place})}}.on-r{place}{{fill:var(--t{place},var(--ink))}}"
        for place in range(len(shades))
    )
    night = f"@media(prefers-color-scheme:dark){{svg{{{dark}}}}}"
    return f"svg{{{light}}}{night}{_RULES}.r{{fill:var(--line)}}{bands}"
