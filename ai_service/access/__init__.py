"""Who may ask, and how often: API keys from a file of hashes, a rate for each, and the gate that asks for them."""
