"""Yimian (一面): a self-hosted mock interview with judged code and rubric scores."""
