"""Lines of the list are made anew when something of the model changes, and only then."""

from __future__ import annotations

import json

from modelyard_api.mapping import models, rest
from modelyard_api.mapping.shapes import Pagination
from modelyard_api.summaries import Summaries
from unit.api import samples


def test_a_line_is_kept_until_model_version_or_deployment_changes() -> None:
    summaries, model, version = Summaries(), samples.model(), samples.version()
    first = summaries.of(samples.view(model, [version]))
    assert summaries.of(samples.view(model, [version])) is first
    for changed in (
        samples.view(samples.model(tags=["a"]), [version]),
        samples.view(model, [samples.version(2), version]),
        samples.view(model, [version], [samples.deployment()]),
    ):
        line = summaries.of(changed)
        assert line is not first
        assert line == models.summary(changed).model_dump_json().encode()


def test_the_list_is_the_json_of_its_shape() -> None:
    views = [samples.view(samples.model(name)) for name in ("a", "b")]
    pagination = Pagination(total=9, limit=2, offset=3, has_more=True)
    summaries = Summaries()
    made = models.list_json([summaries.of(view) for view in views], pagination)
    whole = rest.ModelList(models=[models.summary(view) for view in views], pagination=pagination)
    assert json.loads(made) == json.loads(whole.model_dump_json())
