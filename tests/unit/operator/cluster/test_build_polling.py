"""What 200 builds that run side by side ask of the API server and the store, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from modelyard_crds.build import Progress
from modelyard_operator.cluster.apply import Writer
from modelyard_operator.cluster.cache import Cache
from modelyard_operator.cluster.client import Api
from modelyard_operator.cluster.intake import Intake
from modelyard_operator.cluster.kinds import JOB, MODEL_VERSION, POD, Kind
from modelyard_operator.cluster.queue import new_queues
from modelyard_operator.cluster.reconciler import Doors, Reconciler
from modelyard_operator.cluster.routing import Key
from modelyard_operator.cluster.status import StatusWriter
from modelyard_operator.cluster.store import Store
