"""The JSON interface that the pages' scripts use."""
