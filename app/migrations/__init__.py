"""The schema's history: Alembic revisions and how to run them."""
