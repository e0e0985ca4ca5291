"""Attempts with their drafts, and submissions."""
