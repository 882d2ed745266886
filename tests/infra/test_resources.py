"""As many resources as infra/README.md says of each stack; `make test-infra` transforms SAM's."""

from __future__ import annotations

import json
import re

import pytest
from cfnlint.decode import cfn_yaml

from tests.infra.test_creation import ROOT, TEMPLATE

PAGE = (ROOT / "infra" / "README.md").read_text(encoding="utf-8")
SAID = dict(re.findall(r"^\| `([a-z-]+)\.yaml` \| `[^`]+` \| (\d+) \|", PAGE, re.MULTILINE))


def test_every_template_is_in_the_table() -> None:
    assert set(SAID) == {file.stem for file in (ROOT / "infra").glob("*.yaml")}


@pytest.mark.parametrize("name", sorted(SAID))
def test_a_stack_has_as_many_resources_as_the_page_says(name: str) -> None:
    if name == "application":
        template = json.loads(TEMPLATE.read_text(encoding="utf-8"))
    else:
        template = cfn_yaml.load(str(ROOT / "infra" / f"{name}.yaml"))
    assert len(template["Resources"]) == int(SAID[name])
