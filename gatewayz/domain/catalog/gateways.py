"""Provider instances as people see them: the public list of gateways, their looks, and the words for them.

Source: spec 00 §7; spec 02 §2 (4.3, 4.4).
"""

from collections.abc import Mapping
from typing import Final

from gatewayz.config.sections.providers import Display, ProviderEntry
from gatewayz.domain.catalog.catalog import Catalog, Model
from gatewayz.sdk.errors import InvalidRequest

__all__ = ["ALL", "Gateways"]

ALL: Final = "all"
"""The word for every gateway."""
_SHOWN_LENGTH: Final = 80


class Gateways:
    """Finds and shows the gateways of one configuration.

    :param providers: every instance that is described, configured or not.
    :param catalog: what the configured ones serve.
    """

    def __init__(self, providers: Mapping[str, ProviderEntry], catalog: Catalog) -> None:
        self._catalog = catalog
        self._displays = {name: entry.display for name, entry in providers.items() if entry.display is not None}
        self._aliases = {
            alias.lower(): name for name, display in self._displays.items() for alias in (name, *display.aliases)
        }
        self._serving = frozenset(catalog.providers())

    def listed(self) -> tuple[str, ...]:
        """Return the gateways of the public list: fast ones first, then by name."""
        listed = [name for name, display in self._displays.items() if display.is_listed]
        return tuple(sorted(listed, key=self._place))

    def known(self) -> tuple[str, ...]:
        """Return the public list and every other instance that serves a model."""
        listed = self.listed()
        return (*listed, *sorted(self._serving.difference(listed)))

    def named(self, word: str) -> str | None:
        """Return the instance a word means; None for one that is no gateway."""
        instance = self._catalog.provider_named(word)
        instance = instance if instance in self._serving else self._aliases.get(instance, instance)
        return instance if instance in self._serving or instance in self._displays else None

    def chosen(self, word: str | None) -> str | None:
        """Return the instance that a query's `gateway` means, None for all of them.

        Raises InvalidRequest, with the names that are valid, for one that is no gateway.
        """
        if not word or word.strip().lower() == ALL:
            return None
        instance = self.named(word)
        if instance is None:
            names = sorted({ALL, *self._serving, *self._displays})
            raise InvalidRequest(
                f"unknown gateway {word[:_SHOWN_LENGTH]!r}",
                param="gateway",
                context={
                    "parameter_name": "gateway",
                    "parameter_value": word[:_SHOWN_LENGTH],
                    "allowed_values": names,
                },
                suggestions=[f"use one of: {', '.join(names)}"],
            )
        return instance

    def display(self, name: str) -> Display:
        """Return how an instance is shown; one without a description goes by its own name."""
        return self._displays.get(name) or Display(name=name)

    def is_private(self, name: str) -> bool:
        """Tell whether an instance answers where nobody can look in."""
        return self.display(name).is_private

    def site(self, name: str) -> str | None:
        """Return the URL of an instance's home page, where it has one."""
        site = self.display(name).site
        return f"https://{site}" if site else None

    def logo(self, name: str) -> str | None:
        """Return the URL of the icon of that page."""
        host = self.display(name).site.partition("/")[0]
        return f"https://{host}/favicon.ico" if host else None

    def meant(self, provider: str) -> tuple[str | None, str | None]:
        """Return the instance and the maker that a word for a provider means.

        A gateway that serves models is meant alone; any other word may be that of a maker.
        """
        instance = self.named(provider)
        return (instance, None) if instance in self._serving else (instance, provider.strip().lower())

    def is_of(self, model: Model, provider: str) -> bool:
        """Tell whether the provider that is meant serves a model or made it."""
        instance, maker = self.meant(provider)
        return model.owned_by == maker or any(offer.provider == instance for offer in model.offers)

    def _place(self, name: str) -> tuple[bool, str]:
        display = self._displays[name]
        return display.priority != "fast", display.name.lower()
