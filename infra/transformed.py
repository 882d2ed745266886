"""The application's template after the SAM transform, as CloudFormation sees it.

    .venv-infra/bin/python -m infra.transformed SAM.yaml RESULT.json

Checks find more in this form than in the short one.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import yaml
from samtranslator.translator.managed_policy_translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform

# The transform needs a region; it does not appear in the template.
REGION = "ap-northeast-2"
CODE = "s3://packages/deployment.zip"  # where `aws cloudformation package` would put it


def transformed(sam: str, stage: str = "prod") -> dict[str, Any]:
    """Return the transformed form of a SAM template, in YAML."""
    template = yaml.safe_load(sam)
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = CODE
    os.environ.setdefault("AWS_DEFAULT_REGION", REGION)
    result: dict[str, Any] = transform(template, {"Stage": stage}, ManagedPolicyLoader(None))
    # The transform drops the API's metadata: the reasons for skipped checks.
    metadata = template["Resources"]["RestAPI"]["Metadata"]
    result["Resources"]["RestAPIStage"]["Metadata"] = metadata
    return result


def main() -> None:
    """Read the SAM template, write the transformed one."""
    parser = argparse.ArgumentParser(
        prog="python -m infra.transformed",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("sam", type=Path)
    parser.add_argument("result", type=Path)
    options = parser.parse_args()
    result = transformed(options.sam.read_text(encoding="utf-8"))
    options.result.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
