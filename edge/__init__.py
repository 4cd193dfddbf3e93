"""microcue: notices brief facial movements, on the device, and never says what they mean."""

__version__ = "0.1.0"
