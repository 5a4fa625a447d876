"""The pool of Ollama servers: which server a call goes to, and what becomes of it where that one is silent or gone."""
