"""How property tests run: the same examples every time, and no limit on how long one takes."""

from __future__ import annotations

from hypothesis import settings

# a deadline would fail on a busy machine, and examples that change would fail on somebody else's commit
settings.register_profile("steady", deadline=None, derandomize=True)
settings.load_profile("steady")
