"""A stand-in for a collector of traces: a pod that notes what is posted to it."""

from __future__ import annotations

from support.kubectl import Kubectl, Object

NAME, PORT = "collector", 4318
_CODE = """
from http.server import BaseHTTPRequestHandler, HTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        print(self.path, "tumours" if b"tumours" in body else "of something else", flush=True)
        self.send_response(200); self.end_headers()
HTTPServer(("", 4318), Handler).serve_forever()
"""


def collector(image: str) -> list[Object]:
    """Pod and Service; ``image`` is one that has Python and is on the node already."""
    labels = {"app": NAME}
    container = {
        "name": NAME,
        "image": image,
        "command": ["python", "-c", _CODE],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    service = {"selector": labels, "ports": [{"port": PORT}]}
    return [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": NAME, "labels": labels},
            "spec": {"containers": [container], "terminationGracePeriodSeconds": 0},
        },
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME}, "spec": service},
    ]


def collected(kubectl: Kubectl) -> list[str]:
    """A line for each post so far: its path, and whether it speaks of the tumours."""
    return kubectl.run("logs", NAME).splitlines()
