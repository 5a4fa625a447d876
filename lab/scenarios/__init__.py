"""Runs of molecule's scenarios: which there are, one after the other, what each showed, and the record of it."""
