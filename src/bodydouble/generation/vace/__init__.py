"""Doubles by Wan2.1-VACE: a video of skeletons and a mask in, people on a plain background out.

A run (`diffusion.runs.PlayedRun`) is generated window by window. Each window is given the last frames of the one before
as known, goes on from them, and is blended with it over these frames; memory does not grow with the run's length.
"""
