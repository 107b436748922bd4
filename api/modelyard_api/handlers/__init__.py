"""What each request does, without HTTP: a caller and a request in, an answer or an error out.

``lookup`` finds what a request names; the other modules are one noun each. The same functions
can answer any transport; ``routes`` only translates.
"""
