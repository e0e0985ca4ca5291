"""Measurements: ``make bench`` prints them as a table and writes them as JSON."""
