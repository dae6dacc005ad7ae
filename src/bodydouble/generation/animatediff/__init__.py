"""The paper's generator: diffusion from skeletons and prompts, at any length, in bounded memory.

One contiguous stretch of played frames of a track (a `runs.PlayedRun`) is denoised as a whole, in windows that overlap;
latents lie on disk. It is then decoded, cut out and shrunk to sprites block by block, and windows of work are read from
those. Which windows are asked for, by whom and in which order, changes nothing.
"""
