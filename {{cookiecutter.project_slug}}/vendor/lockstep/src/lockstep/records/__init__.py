"""What was computed when: the records of runs in git's history, and how they differ."""
