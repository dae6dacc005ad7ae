"""Rendered streets: clips of people who never were, with exact ground truth and no privacy question.

`render_street` writes a clip and its truth as files, `render_dataset` a data set for anomaly detection;
`bodydouble.synth.street.Street` hands out frames. Importing this
package loads torch and numba (through `bodydouble.body`); do it where a street is rendered, not at start-up.
"""

from bodydouble.synth.dataset import DatasetPlan, render_dataset
from bodydouble.synth.files import StreetFiles, render_street
from bodydouble.synth.street import Street, StreetFrame

__all__ = ["DatasetPlan", "Street", "StreetFiles", "StreetFrame", "render_dataset", "render_street"]
