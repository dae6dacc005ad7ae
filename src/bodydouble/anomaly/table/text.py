"""The table as Markdown and as LaTeX."""

from __future__ import annotations

from typing import Final

from bodydouble.anomaly.table import quoted
from bodydouble.anomaly.table.figures import TITLES, Block, Cell
from bodydouble.anomaly.table.report import Report

READING: Final = (
    "Area under the ROC curve over frames, in per cent: mean ± standard deviation over seeds. In brackets: points gained "
    "(+) or lost (−) against the same detector trained and tested on the original, same seeds."
)
NOTHING: Final = "–"


def show(cell: Cell) -> str:
    """A figure: mean, deviation where there are several seeds, difference where there is an original.

    >>> show(Cell(by_seed={0: 91.24, 1: 90.0}, change=-0.31))
    '90.6 ± 0.9 (−0.3)'
    >>> show(Cell(by_seed={}, change=None))
    '–'
    """
    if cell.mean is None:
        return NOTHING
    text = f"{cell.mean:.1f}"
    if cell.deviation is not None:
        text += f" ± {cell.deviation:.1f}"
    return text if cell.change is None else f"{text} ({_signed(cell.change)})"


def _signed(points: float) -> str:
    text = f"{points:+.1f}".replace("-", "−")
    return "±0.0" if text in ("+0.0", "−0.0") else text


def to_markdown(report: Report) -> str:
    """All tables, how they were made, and the paper's figures as a quotation."""
    lines = [
        f"# Anomaly detection on {report.data_set}: what anonymizing the training footage does",
        "",
        f"{READING} Seeds: {report.seeds}. Preset: `{report.preset}`. {report.made_by}.",
        "",
    ]
    for block in report.main:
        lines += _markdown_block(report, block, "##")
    lines += _markdown_quoted()
    if report.remarks or report.failed:
        lines += ["## What to beware of", ""]
        lines += [f"- {_md(text)}" for text in report.remarks]
        lines += [f"- FAILED, not in the tables: {_md(text)}" for text in report.failed]
        lines.append("")
    lines += ["## The same runs under other choices of scoring", ""]
    for block in report.others:
        lines += _markdown_block(report, block, "###")
    lines += ["## How it was made", "", "| detector | settings | parameters | seconds a run | scored by |"]
    lines.append("|---|---|---|---|---|")
    for fact in report.facts:
        parameters = NOTHING if fact.parameters is None else f"{fact.parameters:,}"
        seconds = NOTHING if fact.seconds is None else f"{fact.seconds:.0f}"
        lines.append(f"| {fact.title} | {fact.settings} | {parameters} | {seconds} | {fact.protocol} |")
    lines.append("")
    if report.checks:
        lines += [
            "## Check of the labels",
            "",
            "Each run once more with shuffled labels (mean of 20 shuffles, must be 0.5 ± 0.05) and with the labels as "
            "scores (must be 1).",
            "",
            "| run | test | shuffled | labels as scores | |",
            "|---|---|---|---|---|",
            *(
                f"| {c.run} | {c.test} | {c.shuffled:.3f} | {c.as_scores:.3f} | {'ok' if c.passed else 'WRONG'} |"
                for c in report.checks
            ),
            "",
        ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _markdown_block(report: Report, block: Block, level: str) -> list[str]:
    lines = [f"{level} {block.title[0].upper()}{block.title[1:]}", ""]
    if block.note:
        lines += [block.note, ""]
    lines.append(f"| detector | {' | '.join(map(_md, report.variants))} |")
    lines.append("|---" * (len(report.variants) + 1) + "|")
    lines += [f"| {row.title} | {' | '.join(show(cell) for cell in row.cells)} |" for row in block.rows]
    return [*lines, ""]


def _markdown_quoted() -> list[str]:
    return [
        "## Quoted from the paper, not measured here",
        "",
        f"{quoted.SOURCE}.",
        "",
        f"| detector | {' | '.join(f'*{column}*' for column in map(_md, quoted.COLUMNS))} |",
        "|---" * (len(quoted.COLUMNS) + 1) + "|",
        *(
            f"| {TITLES[name]} | {' | '.join(f'*{value:.1f}*' for value in values)} |"
            for name, values in quoted.ROWS.items()
        ),
        "",
        *(f"- {note}" for note in map(_md, quoted.NOTES)),
        "",
    ]


def _md(text: str) -> str:
    return text.replace("|", r"\|").replace("_", r"\_").replace("<", "&lt;").replace("\n", " ")


_TEX_SPECIAL: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}", "–": "--",
        "−": "$-$", "±": r"$\pm$", "…": r"\ldots{}",
    }
)  # fmt: skip


def tex(text: str) -> str:
    r"""Text for LaTeX.

    >>> tex("NA_full, 5 %")
    'NA\\_full, 5 \\%'
    """
    return text.translate(_TEX_SPECIAL)


def to_latex(report: Report) -> str:
    r"""Two ``tabular`` for booktabs: what was measured, and what is quoted; the best of the anonymized variants in bold."""
    count = len(report.variants)
    lines = [
        "% Needs \\usepackage{booktabs}.",
        f"% {READING}",
        f"% {report.data_set}, seeds: {report.seeds}, preset: {report.preset}, {report.made_by}.",
        *(f"% {fact.title}: {fact.settings}; {fact.protocol}." for fact in report.facts),
        *(f"% {' '.join(text.split())}" for text in (*report.remarks, *(f"FAILED: {one}" for one in report.failed))),
        rf"\begin{{tabular}}{{l{'r' * count}}}",
        r"\toprule",
        " & ".join(["", *map(tex, report.variants)]) + r" \\",
    ]
    for block in report.main:
        lines += [r"\midrule", rf"\multicolumn{{{count + 1}}}{{l}}{{\emph{{{tex(block.title)}}}}} \\"]
        for row in block.rows:
            best = max(
                (cell.mean for cell in row.cells if cell.change is not None and cell.mean is not None), default=None
            )
            cells = [
                rf"\textbf{{{tex(show(cell))}}}" if cell.change is not None and cell.mean == best else tex(show(cell))
                for cell in row.cells
            ]
            lines.append(" & ".join([tex(row.title), *cells]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}", ""]
    lines += [
        f"% QUOTED, not measured: {quoted.SOURCE}.",
        *(f"% {note}" for note in quoted.NOTES),
        rf"\begin{{tabular}}{{l{'r' * len(quoted.COLUMNS)}}}",
        r"\toprule",
        rf"\multicolumn{{{len(quoted.COLUMNS) + 1}}}{{l}}"
        r"{\emph{Quoted from the paper (CUHK Avenue), not measured here}} \\",
        r"\midrule",
        " & ".join(["", *map(tex, quoted.COLUMNS)]) + r" \\",
        r"\midrule",
        *(
            " & ".join([tex(TITLES[name]), *(rf"\emph{{{value:.1f}}}" for value in values)]) + r" \\"
            for name, values in quoted.ROWS.items()
        ),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    return "\n".join(lines) + "\n"
