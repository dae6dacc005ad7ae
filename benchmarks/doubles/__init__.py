"""Parts of `doubles_bars.py` and `gait_privacy.py`."""
