"""The Alchemorsel AI service: recipes, ingredients and nutrition from a model, answered from a cache where possible."""

__version__ = "0.2.0"
