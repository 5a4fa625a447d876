"""What a new answer costs in tokens: the form that the service asks for beside the one callers get, in pairs."""
