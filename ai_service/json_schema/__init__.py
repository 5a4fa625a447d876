"""JSON schemas of callers: refused where they are none, shown to providers in part, checked against answers in full."""
