"""How a provider spells the models that the catalog names canonically."""

import msgspec

__all__ = ["ModelIds"]


class ModelIds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules from canonical id to a provider's own id, as data; the first that fits decides.

    Source: spec 00 §9 (translation examples).
    """

    table: dict[str, str] = {}
    """Whole ids."""
    keep: tuple[str, ...] = ()
    """Ids that no rule below touches."""
    strip: tuple[str, ...] = ()
    """Prefixes (`openai/`) that the provider's ids do not have; at most one is taken off."""
    add: str = ""
    """Prefix of every id that does not start with it already."""

    def upstream_id(self, model: str) -> str:
        """Return the provider's id of a canonical id; an id no rule fits is returned as it is."""
        found = self.table.get(model)
        if found is not None:
            return found
        if model in self.keep:
            return model
        for prefix in self.strip:
            if model.startswith(prefix) and len(model) > len(prefix):
                model = model[len(prefix) :]
                break
        return model if model.startswith(self.add) else self.add + model
