"""One row per bar, and how they are printed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measured figure."""

    clip: str
    what: str
    value: float | None
    """None where it could not be measured; ``how`` says why."""
    how: str
    """How it was counted."""
    least: float | None = None
    """Bar: the value must be at least this."""
    most: float | None = None
    """Bar: the value must be at most this."""

    @property
    def verdict(self) -> str:
        if self.value is None:
            return "not measured"
        if self.least is None and self.most is None:
            return ""
        high_enough = self.least is None or self.value >= self.least
        low_enough = self.most is None or self.value <= self.most
        return "pass" if high_enough and low_enough else "FAIL"

    @property
    def bar(self) -> str:
        if self.least is not None:
            return f">= {self.least:g}"
        return f"<= {self.most:g}" if self.most is not None else ""


def as_text(rows: list[Row]) -> str:
    """A table in Markdown, which also reads well in a terminal."""
    lines = [("clip", "what", "value", "bar", "", "how counted")]
    for row in rows:
        value = "-" if row.value is None else f"{row.value:.4f}" if abs(row.value) < 10 else f"{row.value:.1f}"
        lines.append((row.clip, row.what, value, row.bar, row.verdict, row.how))
    widths = [max(len(line[column]) for line in lines) for column in range(5)]
    texts = [
        "| " + " | ".join([*(t.ljust(w) for t, w in zip(line, widths, strict=False)), line[5]]) + " |" for line in lines
    ]
    return "\n".join([texts[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|---|", *texts[1:]])


def as_record(row: Row) -> dict[str, object]:
    """The row for JSON."""
    return {
        "clip": row.clip,
        "what": row.what,
        "value": row.value,
        "least": row.least,
        "most": row.most,
        "verdict": row.verdict,
        "how": row.how,
    }
