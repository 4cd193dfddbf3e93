"""The machine around the watcher: installed files, the card's settings, what the bootloader reads."""
