"""Cutting generated people out of the pictures they were generated in. No picture of the footage comes here."""

from bodydouble.generation.cutting.base import Cutter, make_cutter

__all__ = ["Cutter", "make_cutter"]
