"""Floor 2, the state: SQLAlchemy Core tables, statements compiled once to text, one writer thread."""
