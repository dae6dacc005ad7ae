"""Programs of others, driven through their documented command lines, each in its own environment. Imports nothing heavy.

Nothing of them is imported, installed or fetched. Their licences and the state of their weights: ``docs/external.md``.
"""

from bodydouble.external.base import ExternalProgram, Launch
from bodydouble.external.config import DeepPrivacy2Options, DefaceOptions
from bodydouble.external.deepprivacy2 import DeepPrivacy2
from bodydouble.external.deface import Deface

__all__ = ["DeepPrivacy2", "DeepPrivacy2Options", "Deface", "DefaceOptions", "ExternalProgram", "Launch"]
