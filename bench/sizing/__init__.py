"""How many hosts a wanted rate takes: the arithmetic of docs/sizing.md, on figures that were measured."""
