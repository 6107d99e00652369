"""Numbers for people: times and durations."""

LONG_US = 10_000_000
"""Times from here on are given in seconds."""


def time_head(end_us: int) -> str:
    """The unit of the times on the axis of a run that ends then."""
    return "seconds" if end_us >= LONG_US else "ms"


def time_text(at_us: int, end_us: int) -> str:
    """A time on the axis."""
    return f"{at_us / 1000:,.1f}" if end_us < LONG_US else f"{at_us / 1_000_000:.4f}"


def duration_text(us: int) -> str:
    """A duration for people."""
    if us < 1000:
        return f"{us} µs"
    return f"{us / 1000:.{0 if us >= 10_000 else 1}f} ms" if us < 1_000_000 else f"{us / 1_000_000:.2f} s"


def wrap(text: str, most: int) -> list[str]:
    """The text in lines of at most so many characters; only a longer word makes a longer line."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > most:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + word
    return lines
