"""Folders and spreadsheets as the research corpora have them, with their traps, around clips of our own."""
