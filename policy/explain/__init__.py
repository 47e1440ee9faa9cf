"""Why a request is answered as it is, why not otherwise, and what would have changed it (P5).

Owns: the explanation of a decision (`explanation`) with the parts of conditions, the facts behind the risk and the
single changes that would turn it over, and the same as text in both languages (`text`).

Does not own: deciding. Whatever is said to change an answer was decided to do so.
"""

from policy.explain.explanation import explain
from policy.explain.told import Explanation

__all__ = ["Explanation", "explain"]
