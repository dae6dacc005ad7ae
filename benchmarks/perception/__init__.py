"""Parts of `perception_bars.py`."""
