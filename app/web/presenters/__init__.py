"""From what is stored to what templates are given."""
