"""What a developer or a newcomer does with the project on a cluster: images, install, demo, test.

``make`` calls it as ``python3 -m modelyard_dev``. Like modelyard_cluster, which gives it the
cluster, it uses the standard library only, so that it runs before any environment exists.
"""
