"""Named bounds of waiting, in seconds. A wait ends as soon as its condition holds."""

#: The API server or a controller answers a change.
SHORT = 30
#: A pod starts and ends, or becomes ready.
MEDIUM = 90
#: A version is built and served, on a machine that does other work as well.
LONG = 300
#: For how long something must not happen.
NEVER = 8
#: A replica takes over from one that was killed: its Lease, and a look at it every two seconds.
TAKEOVER = 20
#: For how long nothing must be written: twice the longest time between two looks at an object.
AT_REST = 10
