"""HTML pages, one module for each first part of the address."""
