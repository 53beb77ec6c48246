"""Side-by-side measurements of respkv and redis-server; `python -m bench` runs them all."""
