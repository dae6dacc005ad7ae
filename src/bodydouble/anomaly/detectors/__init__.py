"""Detectors, each in one file after its paper; this file makes them by name. Imports torch."""

from __future__ import annotations

import torch

from bodydouble.anomaly.config import DetectorConfig, config_type
from bodydouble.anomaly.detectors.base import Detector, Terms, count_parameters
from bodydouble.errors import ConfigError
from bodydouble.seeds import derive_seed

__all__ = ["Detector", "Terms", "build", "count_parameters", "kind_of"]


def kind_of(name: str) -> type[Detector]:
    """The class of a detector.

    Raises:
        ConfigError: there is no such detector.
    """
    from bodydouble.anomaly.detectors import flow, lgn_net, lntra, mnad, mpn, unet

    config_type(name)
    kinds: dict[str, type[Detector]] = {
        "mnad-pred": mnad.MnadPrediction,
        "mnad-recon": mnad.MnadReconstruction,
        "lgn-net": lgn_net.LgnNet,
        "mpn": mpn.Mpn,
        "lntra": lntra.Lntra,
        "unet": unet.PlainUnet,
        "flow": flow.FlowSpeed,
    }
    return kinds[name]


def build(name: str, config: DetectorConfig, *, seed: int) -> Detector:
    """Make a detector with weights drawn from a seed, on the CPU.

    Args:
        name: one of `bodydouble.anomaly.config.DETECTORS`.
        config: its settings.
        seed: root seed; torch's own state is left as it was.

    Raises:
        ConfigError: there is no such detector, or the settings are another one's.
    """
    expected = config_type(name)
    if type(config) is not expected:
        raise ConfigError(f"settings of {name} must be a {expected.__name__}, not a {type(config).__name__}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(seed, "anomaly", "weights", name))
        return kind_of(name)(config)
