"""Table 1 of the paper as one call, `bodydouble.anomaly.table.run.run_table`.

Detectors are trained on each variant of a data set, and tested on the footage as filmed and on the variant.
"""
