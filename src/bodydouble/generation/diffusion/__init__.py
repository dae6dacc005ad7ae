"""What the diffusion generators share: runs, canvases, drawings, noise, cutting out block by block, and failing well.

One contiguous stretch of played frames of a track (a `runs.PlayedRun`) is generated as a whole, with what is unfinished on
disk. It is then cut out and shrunk to sprites block by block, and windows of work are read from those. Which windows are
asked for, by whom and in which order, changes nothing.
"""
