"""What writes the generated parts of `docs` and of the READMEs: tables, recordings, pictures."""
