"""Many recordings at once: each watched like a session, on one process, several, or a cluster.

`edge.batch.archive.watch` is the way in. A video is watched in a process of its own that can open no
internet socket (`child`), segment after segment (`segment`); what was learned until then is kept
between segments (`state`), so that cues are those of a run without any.
"""
