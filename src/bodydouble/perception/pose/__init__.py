"""Joints: per frame from heat maps, then over time."""
