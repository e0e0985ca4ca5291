"""The database: base class, column types, engine, transactions."""
