"""Scoring: rubrics, suggestions with their evidence, mentor scores."""
