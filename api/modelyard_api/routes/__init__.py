"""HTTP: one router a noun, each operation a line that calls its handler.

``dependencies`` is what operations need (services, caller, base URL), ``predictions`` is the hot
path, which passes bytes by FastAPI's validation.
"""
