"""The OpenAPI document, and its page for people, which tries the routes."""
