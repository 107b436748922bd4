"""``make transcripts``: brings each failure about on the real cluster, and writes what is seen.

The page docs/troubleshooting.md is what ``kubectl get`` and ``kubectl describe`` print of it.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from support.failures import FAILURES, Failure, first, image_missing, message_of
from support.kubectl import Kubectl

PAGE = Path(__file__).parents[1] / "docs/troubleshooting.md"
#: More at once would wait for the CPU of one node, which is a failure that nobody asked for.
AT_ONCE = 2
RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}
SHORT_NAMES = {
    "dataset": "dset",
    "model": "mdl",
    "modelversion": "mver",
    "modeldeployment": "mdep",
}
INTRO = """\
<!-- Written by `make transcripts` on a real cluster; do not edit. -->

# Troubleshooting

Every object says how it is: `kubectl get modelyard` prints the reason, and `kubectl describe` the
message with the cause and the next step. All reasons are in [Conditions](reference/conditions.md).
Below is what `kubectl describe` prints, from its status on, for each of {count} things that go
wrong. What can go on by itself does so once the cause is gone.

"""
ADVICE = """\
## Where else to look

- What the build did: `kubectl logs job/churn-v3`; once its pod is gone `GET /models/build-logs`.
- Why a pod does not start: the condition of the version or the deployment has the words of the
  scheduler, the kubelet and the quota.
- Whether the operator is well: `kubectl -n modelyard-system get pods`; its log is JSON.
- Whether the store is: reason `StoreUnavailable`, and the log of statefulset/modelyard-store.
"""


def main() -> None:
    """Write the page."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        sections = list(pool.map(_section, FAILURES, range(len(FAILURES))))
    with (
        tempfile.TemporaryDirectory() as folder,
        _namespace(len(FAILURES)) as kubectl,
        image_missing(kubectl, Path(folder)) as failure,
    ):
        sections.append(_transcript(kubectl, failure))
    contents = "".join(f"- [{_title(text)}](#{_anchor(_title(text))})\n" for text in sections)
    page = INTRO.format(count=len(sections)) + contents + "\n" + "\n".join(sections)
    PAGE.write_text(f"{page}\n{ADVICE}")
    sys.stdout.write(f"written: {PAGE.name}, {len(sections)} failures\n")


def _section(failure: Failure, number: int) -> str:
    with _namespace(number) as kubectl:
        return _transcript(kubectl, failure)


def _transcript(kubectl: Kubectl, failure: Failure) -> str:
    seen = failure.bring_about(kubectl)
    sys.stdout.write(f"{failure.reason}: {message_of(seen)}\n")
    kind, name = SHORT_NAMES[failure.kind], first(kubectl, failure.kind)
    described = kubectl.run("describe", kind, name)
    status = described[described.index("\nStatus:") + 1 :].rstrip()
    return (
        f"## {failure.title}\n\n{failure.done}\n\n```console\n$ kubectl get {kind} {name}\n"
        f"{_plain(kubectl.run('get', kind, name))}\n$ kubectl describe {kind} {name}\n"
        f"…\n{_plain(status)}\n```\n"
    )


def _plain(text: str) -> str:
    """Without blanks at the ends of lines, and without what belongs to this cluster alone."""
    text = re.sub(r"(registry-1\.)?docker\.io", "registry.example.com", text)
    text = re.sub(r" on [0-9.]+:53", "", text)
    return re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE).rstrip()


@contextmanager
def _namespace(number: int) -> Iterator[Kubectl]:
    kubectl = Kubectl(f"shop-{number + 1}")
    metadata = {"name": kubectl.namespace, "labels": RESTRICTED}
    kubectl.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    try:
        yield kubectl
    finally:
        kubectl.run("delete", "namespace", kubectl.namespace, "--wait=false")


def _title(section: str) -> str:
    return section.splitlines()[0].removeprefix("## ")


def _anchor(title: str) -> str:
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


if __name__ == "__main__":
    main()
