"""How every page of the house looks and speaks.

Owns: the one stylesheet of tokens and components, the base template, the choice of language, the message catalogue, the
security headers of a page, and the folder of assets with content-addressed names.

Does not own: what any page says or asks: templates and messages stand beside the endpoints that answer with them.
"""

from pages.assets import Assets
from pages.renderer import Pages

__all__ = ["Assets", "Pages"]
