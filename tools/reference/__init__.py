"""The pages in docs/reference, written from the code (`python tools/write_reference.py`)."""
