"""Resources: which paths of which zone a rule speaks of, where it names a resource (`@orders`) instead of a path."""

from __future__ import annotations

import re
from collections.abc import Iterable

from policy.artefact import ANY, RESOURCE, Resource, Rule

_NAMED = re.compile(RESOURCE + r"([A-Za-z0-9][A-Za-z0-9._:@-]{0,127})")


class UnknownResource(ValueError):
    """A rule names a resource that there is not in its zone."""


class Resources:
    """The resources of a policy, by name."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self._by_name: dict[str, list[Resource]] = {}
        for resource in resources:
            self._by_name.setdefault(resource.name, []).append(resource)

    def places(self, rule: Rule) -> tuple[tuple[str, str], ...]:
        """The (zone, path pattern) pairs that a rule speaks of; one pair for a rule with a path of its own.

        The zone is the narrower one of rule and resource. Raises `UnknownResource`.
        """
        if rule.path[:1] != RESOURCE:
            return ((rule.zone, rule.path),)
        name = resource_name(rule.path)
        found = {
            (resource.zone if rule.zone == ANY else rule.zone, path): None
            for resource in self._by_name.get(name, ())
            if ANY in (rule.zone, resource.zone) or rule.zone == resource.zone
            for path in resource.paths
        }
        if not found:
            where = "any zone" if rule.zone == ANY else f"the zone {rule.zone!r}"
            raise UnknownResource(f"there is no resource {name!r} in {where}")
        return tuple(found)


def resource_name(path: str) -> str:
    """The name in `@name`. Raises `UnknownResource` where it can be none's."""
    found = _NAMED.fullmatch(path)
    if found is None:
        raise UnknownResource(f"not the name of a resource: {path[:100]!r}")
    return found[1]
