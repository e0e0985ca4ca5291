"""The question bank: files, their schema, their versions, and papers made of them."""
