"""Anomaly detectors, their data sets, their scores: what anonymization does to them is the paper's Table 1.

Three calls make a figure, and none of them is imported here, since two of them load torch:

    dataset = bodydouble.anomaly.data.open_dataset(folder, "ucsd")
    checkpoint = bodydouble.anomaly.train.train("mnad-pred", preset("mnad-pred", "cpu"), dataset.training, work, seed=0)
    scores = bodydouble.anomaly.evaluate.score(checkpoint, dataset.testing, protocol=Protocol())
"""
