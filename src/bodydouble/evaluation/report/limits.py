"""What the figures do not say. Written for each report from what was measured and what was not."""

from __future__ import annotations

from typing import Final

from bodydouble.evaluation.report.model import Evaluation
from bodydouble.evaluation.report.table import NOT_MEASURED, Table

FEW_PEOPLE: Final = 30
"""Below, a lucky guess moves a share by several hundredths."""
_NAMED: Final = 5


def limits_of(evaluation: Evaluation, table: Table) -> tuple[str, ...]:
    """Sentences, the most important first."""
    clips = evaluation.clips
    without = [clip.name for clip in clips if clip.truth_boxes is None]
    people = sum(clip.num_tracks for clip in clips)
    said = []
    if without:
        said.append(
            f"{_of(len(without), len(clips))} no ground truth ({_named(without)}). There, whoever perception and the "
            "independent detector both missed in the original is missing from these figures, too."
        )
    said.append(
        "People are measured where this program's own perception saw them, or where the ground truth has them. Results "
        "of this program were made from the same perception, so its mistakes are theirs and are not seen; results of "
        "others are measured on the same people."
    )
    said.append(
        "An attack that fails here may succeed for somebody with more pictures of a person, a better network, or other "
        "knowledge: place and time, company, what people carry, how they move. None of it proves anonymity."
    )
    if people < FEW_PEOPLE:
        said.append(
            f"There are only {people} people (counted at each entrance), all from this footage: chance is high, the "
            "intervals are wide, and other footage may give other figures."
        )
    cut = [clip for clip in clips if clip.is_cut]
    if cut:
        said.append(
            f"Of {len(cut)} clips only the first frames were measured ({sum(clip.num_frames for clip in cut)} in all)."
        )
    if table.of_group("temporal"):
        said.append(
            "Blackout, blur and pixelation do well on likeness of consecutive frames because little is left that could "
            "differ. Read the figures over time together with those of utility."
        )
    unknown = [column.label for column in evaluation.results if not column.method]
    if unknown:
        said.append(f"How these were made is not known here: {_named(unknown)}. Their settings may not be their best.")
    empty = [row.label for row in table.rows if all(cell.value is None for cell in row.cells)]
    empty += [f"{name} ({NOT_MEASURED}{why})" for name, why in table.unmeasured.items()]
    if empty:
        said.append(f"Not measured at all: {'; '.join(empty)}. The table tells why.")
    return tuple(said)


def _of(count: int, total: int) -> str:
    if total == 1:
        return "The clip has"
    return f"{count} of {total} clips have"


def _named(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
