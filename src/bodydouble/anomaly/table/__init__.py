"""Table 1 of the paper as one call: detectors trained on each variant of a data set, tested on the footage as filmed and on
the variant. `bodydouble.anomaly.table.run.run_table` does it; nothing is imported here.
"""
