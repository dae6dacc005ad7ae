"""The one parametric body that the avatar, the training renders and the synthetic streets share.

``anny`` (Apache-2.0, MakeHuman data CC0) gives the mesh; this package gives it poses, joints, part labels, a z-buffer
and the simple shapes (skirts, hair, bags) that are fastened to its bones. Nothing here is imported at start-up of the
command line: import the submodules where they are used.
"""
