"""Other ways to watch the same clip, for comparison in the same run."""
