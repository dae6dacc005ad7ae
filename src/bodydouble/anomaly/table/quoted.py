"""Table 1 as the paper prints it; quoted, never measured here."""

from __future__ import annotations

from typing import Final

SOURCE: Final = (
    "I. Nikolov, Preliminary Study of a Non-Direct Generative Image Anonymization Pipeline for Anomaly Detection, "
    "Table 1"
)
COLUMNS: Final = ("NA_full", "NA_subset", "Obscured", "Blurred", "Pixelated", "DeepPrivacy2", "Ours (the paper's)")
ROWS: Final[dict[str, tuple[float, ...]]] = {
    "mnad-pred": (88.5, 85.3, 84.4, 80.1, 81.4, 85.6, 85.7),
    "mnad-recon": (82.8, 80.7, 80.6, 76.7, 79.4, 80.4, 80.2),
    "mpn": (89.5, 81.6, 81.7, 78.2, 80.7, 81.0, 77.1),
    "lgn-net": (89.3, 81.2, 82.7, 78.8, 79.2, 79.9, 75.6),
    "lntra": (84.6, 80.2, 80.4, 77.8, 78.6, 80.2, 80.3),
}
"""Frame-level AUC in per cent on CUHK Avenue; rows of the detectors in the order printed."""
NOTES: Final = (
    "CUHK Avenue, frame-level AUC in per cent, one figure per cell, no deviations; whatever data set the "
    "tables above are of.",
    "NA_full: what the detectors' own papers report for the whole training set; not trained by the paper. NA_subset: the "
    "part of it that the paper trained on as filmed.",
    "The paper does not say whether it tested on footage as filmed or anonymized, nor how scores were normalised.",
    "The authors' program (make_base_comparisons.py, commit 3f32fa4) writes blurred pictures into the folder called "
    "pixelized and the other way round, so these two columns may be exchanged.",
)
