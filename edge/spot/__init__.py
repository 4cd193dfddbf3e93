"""Brief movements found in the signals of one face."""

from edge.spot.spotter import Spotter

__all__ = ["Spotter"]
