"""Results for people and for files: pure functions of results."""
