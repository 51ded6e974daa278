"""Engines: trained models ready to play, behind one contract and without torch where a family allows it."""

from .base import Engine, load

__all__ = ["Engine", "load"]
