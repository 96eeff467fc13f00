"""Palier: takes an online shop up one module update at a time, and can always step back down."""

__version__ = "0.1.0"
