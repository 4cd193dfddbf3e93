"""An SD card's image for an emulated board: `tools/boot_image.py` builds it, starts it and looks at it."""
