"""What wakes the operator: a table of contents of watched kinds, one line each.

kopf lists and watches; nothing here decides, and nothing here waits.
"""
