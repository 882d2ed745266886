"""A template of CloudFormation with its parameters filled in, as far as these tests need it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

NO_VALUE = object()
PSEUDO = {
    "AWS::Region": "ap-northeast-2",
    "AWS::AccountId": "123456789012",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
    "AWS::NoValue": NO_VALUE,
}


@dataclass(frozen=True)
class Stack:
    """One template, the values of its parameters, and the exports of other stacks by name."""

    template: Mapping[str, Any]
    parameters: Mapping[str, str]
    exports: Mapping[str, str]

    def rendered(self, value: Any) -> Any:
        """Return `value` as CloudFormation would; names of resources remain names."""
        if isinstance(value, list):
            parts = [self.rendered(part) for part in value]
            return [part for part in parts if part is not NO_VALUE]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(kind, argument)] = value.items()
            if kind == "Ref" or kind.startswith("Fn::"):
                return self._function(kind, argument)
        fields = {name: self.rendered(part) for name, part in value.items()}
        return {name: part for name, part in fields.items() if part is not NO_VALUE}

    def holds(self, condition: str) -> bool:
        """Return whether one of the template's conditions holds."""
        return self._is_true(self.template["Conditions"][condition])

    def properties(self, name: str) -> Any:
        """Return the properties of one resource."""
        return self.rendered(self.template["Resources"][name]["Properties"])

    def _function(self, kind: str, argument: Any) -> Any:
        functions = {
            "Ref": self._value,
            "Fn::If": lambda parts: self.rendered(parts[1 if self.holds(parts[0]) else 2]),
            "Fn::ImportValue": lambda name: self.exports[self.rendered(name)],
            "Fn::GetAtt": lambda part: part if isinstance(part, str) else ".".join(part),
            "Fn::Sub": self._substituted,
            "Fn::FindInMap": self._found_in_map,
            "Fn::Split": lambda parts: self.rendered(parts[1]).split(parts[0]),
            "Fn::Select": lambda parts: self.rendered(parts[1])[int(parts[0])],
        }
        return functions[kind](argument)

    def _found_in_map(self, argument: list[Any]) -> Any:
        name, first, second = self.rendered(argument)
        return self.template["Mappings"][name][first][second]

    def _value(self, name: str) -> Any:
        if name in PSEUDO:
            return PSEUDO[name]
        return self.parameters.get(name, name)  # a resource is known by its name

    def _substituted(self, argument: Any) -> str:
        text, own = (argument, {}) if isinstance(argument, str) else argument
        known = {name: self.rendered(value) for name, value in own.items()}
        return re.sub(r"\$\{([^}]+)\}", lambda m: str(known.get(m[1]) or self._value(m[1])), text)

    def _is_true(self, condition: Any) -> bool:
        [(kind, argument)] = condition.items()
        match kind:
            case "Condition":
                return self.holds(argument)
            case "Fn::Not":
                return not self._is_true(argument[0])
            case "Fn::And":
                return all(self._is_true(part) for part in argument)
            case "Fn::Or":
                return any(self._is_true(part) for part in argument)
            case "Fn::Equals":
                first, second = self.rendered(argument)
                return str(first) == str(second)
        raise NotImplementedError(kind)
