"""YAML to typed settings: read whole, checked whole, refused whole. `env.py` alone reads the environment."""
