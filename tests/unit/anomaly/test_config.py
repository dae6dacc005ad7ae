"""Presets say what paper and authors say; settings that make no sense are refused; nothing heavy is imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bodydouble.anomaly.config import (
    DETECTORS,
    PRESETS,
    DetectorConfig,
    FlowConfig,
    LntraConfig,
    MnadConfig,
    MpnConfig,
    config_type,
    preset,
)
from bodydouble.errors import ConfigError


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("detector", DETECTORS)
def test_every_detector_has_every_preset(detector: str, name: str) -> None:
    assert type(preset(detector, name)) is config_type(detector)


def test_paper_section_4() -> None:
    for detector in ("mnad-pred", "mnad-recon"):
        mnad = preset(detector, "paper")
        assert isinstance(mnad, MnadConfig)
        assert (mnad.separateness, mnad.compactness, mnad.batch_size, mnad.learning_rate) == (0.1, 0.01, 4, 2e-4)
        assert (mnad.memory_items, mnad.widths[-1], mnad.size_px, mnad.epochs) == (10, 512, 256, 60)
    mpn = preset("mpn", "paper")
    assert isinstance(mpn, MpnConfig)
    assert (mpn.batch_size, mpn.learning_rate, mpn.epochs) == (4, 1e-4, 100)
    assert (mpn.frame_weight, mpn.feature_weight, mpn.distinction) == (1, 1, 0.1)
    lgn = preset("lgn-net", "paper")
    assert (lgn.compactness, lgn.separateness, lgn.batch_size, lgn.learning_rate) == (10, 5, 4, 2e-4)  # type: ignore[attr-defined]
    lntra = preset("lntra", "paper")
    assert isinstance(lntra, LntraConfig)
    assert (lntra.skip_probability, lntra.jumps, lntra.learning_rate, lntra.epochs) == (0.2, (3, 4, 5), 1e-4, 60)


def test_where_the_authors_differ() -> None:
    assert preset("mnad-pred", "official").compactness == 0.1  # type: ignore[attr-defined]
    assert preset("mnad-recon", "official").separateness == 0.01  # type: ignore[attr-defined]
    assert preset("lgn-net", "official").batch_size == 6
    assert preset("mpn", "official").epochs == 1000
    assert preset("lntra", "official").jumps == (2, 3, 4, 5)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: DetectorConfig(size_px=100), "size_px is 100"),
        (lambda: DetectorConfig(size_px=0), "size_px is 0"),
        (lambda: DetectorConfig(channels=2), "channels is 2"),  # type: ignore[arg-type]
        (lambda: DetectorConfig(widths=(1, 2)), "four levels"),
        (lambda: DetectorConfig(batch_size=0), "batch_size is 0"),
        (lambda: DetectorConfig(clips_per_epoch=-1), "clips_per_epoch"),
        (lambda: DetectorConfig(learning_rate=0), "learning_rate"),
        (lambda: MnadConfig(memory_items=1), "memory_items is 1"),
        (lambda: MpnConfig(prototypes=1), "prototypes is 1"),
        (lambda: LntraConfig(skip_probability=0.8, patch_probability=0.3), "at most 1 together"),
        (lambda: LntraConfig(skip_probability=-0.1), "at least 0"),
        (lambda: LntraConfig(jumps=()), "jumps"),
        (lambda: LntraConfig(jumps=(1,)), "jumps"),
        (lambda: FlowConfig(patch_px=4), "must be odd"),
        (lambda: preset("mnad", "cpu"), "no detector 'mnad'"),
        (lambda: preset("mpn", "gpu"), "no preset 'gpu'"),
    ],
)
def test_refused(make, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        make()


def test_settings_and_readers_are_light() -> None:
    code = (
        "import sys, bodydouble.anomaly.config, bodydouble.anomaly.protocol, bodydouble.anomaly.data;"
        "print({'torch', 'cv2', 'scipy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
