"""Whether what clients saw of a person's one session could have happened one act after the other (S1).

The model is a register. An act either reads it ("this session lives") or writes a new session in the place of the one
that lived. Every session is written once, so the order of the writes is the chain of what took the place of what; a
history is linearizable exactly if no act that began after another had ended saw an earlier state (Herlihy and Wing,
1990; Gibbons and Korach, 1997, for values that are unique).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Act:
    """What one client did: from `asked` to `answered`, on its own clock, which all of them share here."""

    asked: float
    answered: float
    sid: str
    """The session that it began, or was shown."""
    began: bool


def violations(chain: Sequence[str], acts: Iterable[Act]) -> list[str]:
    """What could not have happened; empty for a linearizable history. `chain` are all sessions, the first one first."""
    place = {sid: number for number, sid in enumerate(chain)}
    found = [f"{sid} stands twice in the chain" for sid in place if list(chain).count(sid) > 1]
    acts = list(acts)
    found += [f"{act.sid} was seen, and never began" for act in acts if act.sid not in place]
    began = [act.sid for act in acts if act.began]
    found += [f"{sid} began twice" for sid in set(began) if began.count(sid) > 1]
    known = sorted((act for act in acts if act.sid in place), key=lambda act: act.asked)
    by_answer = sorted(known, key=lambda act: act.answered)
    newest, newest_place, done = None, -1, 0
    for act in known:
        while done < len(by_answer) and by_answer[done].answered < act.asked:
            if place[by_answer[done].sid] > newest_place:
                newest, newest_place = by_answer[done], place[by_answer[done].sid]
            done += 1
        # whoever began a session cannot have done so after somebody had seen that very session
        too_late = newest_place >= place[act.sid] if act.began else newest_place > place[act.sid]
        if newest is not None and too_late:
            found.append(f"{act} began after {newest} had been answered")
    return found
