"""Decisions: what was observed goes in frozen, what is due comes out, nothing is touched.

A kind's life is split by question, one file each. Every question is an ordered list of small
policies; the first that answers decides status and action alike. Neither kopf nor a client nor
a clock may be imported: time is passed in.
"""
