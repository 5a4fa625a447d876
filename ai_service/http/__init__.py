"""HTTP as callers see it: routes, requests, answers, errors and event streams."""
