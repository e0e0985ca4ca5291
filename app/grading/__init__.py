"""Judging code: jobs, the sandbox pool, checkers, verdicts."""
