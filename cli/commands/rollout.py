"""`munjigi rollout`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from cli.asking import ask_engines

if TYPE_CHECKING:
    from idp.rollout.phases import Act

app = typer.Typer(help="Lead an organisation's people from passwords to MFA and passwordless.", no_args_is_help=True)
_Why = Annotated[str, typer.Option("--why", help="Kept with the phase and in the audit record.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Programme = Annotated[UUID, typer.Argument(help="Its id, as `munjigi rollout status` says it.")]
_Phase = Annotated[str, typer.Argument(help="Its key, such as mfa-high-risk.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@app.command("template")
def rollout_template() -> None:
    """Print the shipped template: a copy of it may be changed and started from."""
    from idp.rollout.template import SHIPPED

    typer.echo(SHIPPED.read_text(encoding="utf-8"), nl=False)


@app.command("start")
def rollout_start(
    organisation: Annotated[UUID, typer.Argument(help="Whose people it leads: its id.")],
    on: Annotated[str, typer.Option("--on", help="From when the days of the template are counted: 2027-01-04.")],
    template: Annotated[Path | None, typer.Option(help="TOML; the shipped one if not given.")] = None,
    locale: Annotated[str, typer.Option(help="ko or en, of its name.")] = "ko",
    by_hand: Annotated[bool, typer.Option("--by-hand", help="Nothing happens by the dates alone.")] = False,
    why: _Why = "",
    as_json: _Json = False,
) -> None:
    """Make a programme from a template, and let its phases go on by their dates."""
    from cli import rollout

    rollout.needs_reason(why)
    if locale not in ("ko", "en"):
        raise typer.BadParameter("ko or en", param_hint="--locale")
    read, start = rollout.as_template(template), rollout.as_moment(on, "--on")
    made = ask_engines(
        lambda settings: rollout.begun(settings, organisation, read, start, locale, why, by_hand=by_hand)
    )
    rollout.tell([made], as_json=as_json)


@app.command("status")
def rollout_status(
    programme: Annotated[UUID | None, typer.Argument(help="One; all of them if not given.")] = None,
    as_json: _Json = False,
) -> None:
    """Show programmes, their phases, and what can be done now."""
    from cli import rollout

    rollout.tell(ask_engines(lambda settings: rollout.found(settings, programme)), as_json=as_json)


@app.command("preview")
def rollout_preview(
    programme: _Programme,
    phase: _Phase,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many people are named.")] = 20,
    as_json: _Json = False,
) -> None:
    """Show whom a phase reaches, or would reach."""
    from cli import rollout

    found = ask_engines(lambda settings: rollout.previewed(settings, programme, phase, limit))
    rollout.tell_preview(found, as_json=as_json)


@app.command("announce")
def rollout_announce(programme: _Programme, phase: _Phase, why: _Why = "", as_json: _Json = False) -> None:
    """Tell people of a phase."""
    _take_on(programme, phase, "announce", why, as_json=as_json)


@app.command("begin")
def rollout_begin(programme: _Programme, phase: _Phase, why: _Why = "", as_json: _Json = False) -> None:
    """Lead people to what a phase asks for, at their logins; they may put it off."""
    _take_on(programme, phase, "begin", why, as_json=as_json)


@app.command("widen")
def rollout_widen(
    programme: _Programme,
    phase: _Phase,
    to: Annotated[int, typer.Option("--to", min=1, max=100, help="To how many percent of its cohort.")],
    why: _Why = "",
    as_json: _Json = False,
) -> None:
    """Let a phase reach more people; passwordless only past its thresholds."""
    _take_on(programme, phase, "widen", why, as_json=as_json, share=to)


@app.command("enforce")
def rollout_enforce(
    programme: _Programme, phase: _Phase, yes: _Yes = False, why: _Why = "", as_json: _Json = False
) -> None:
    """From now on nobody puts off what a phase asks for."""
    if not yes:
        typer.confirm(f"From now on nobody signs in without what {phase} asks for. Go on?", abort=True)
    _take_on(programme, phase, "enforce", why, as_json=as_json)


@app.command("finish")
def rollout_finish(programme: _Programme, phase: _Phase, why: _Why = "", as_json: _Json = False) -> None:
    """The work of a phase is over; what it demands stays."""
    _take_on(programme, phase, "finish", why, as_json=as_json)


@app.command("pause")
def rollout_pause(programme: _Programme, phase: _Phase, why: _Why = "", as_json: _Json = False) -> None:
    """Demand nothing for a while; its dates wait."""
    _take_on(programme, phase, "pause", why, as_json=as_json)


@app.command("resume")
def rollout_resume(programme: _Programme, phase: _Phase, why: _Why = "", as_json: _Json = False) -> None:
    """Go on where a phase was paused, its dates to come moved by as long."""
    _take_on(programme, phase, "resume", why, as_json=as_json)


@app.command("rollback")
def rollout_rollback(
    programme: _Programme, phase: _Phase, yes: _Yes = False, why: _Why = "", as_json: _Json = False
) -> None:
    """Take a phase back: passwords work again, and what people have set up stays theirs."""
    if not yes:
        typer.confirm(f"{phase} demands nothing any more, and its people are told. Go on?", abort=True)
    _take_on(programme, phase, "roll_back", why, as_json=as_json)


@app.command("reopen")
def rollout_reopen(programme: _Programme, phase: _Phase, why: _Why = "", as_json: _Json = False) -> None:
    """Make a phase that was taken back a draft again, its dates moved away."""
    _take_on(programme, phase, "reopen", why, as_json=as_json)


@app.command("exceptions")
def rollout_exceptions(
    programme: _Programme,
    add: Annotated[str, typer.Option("--add", help="Give one to whoever has this login name.")] = "",
    phase: Annotated[str, typer.Option(help="Of which phase, by its key.")] = "",
    until: Annotated[str, typer.Option(help="When it ends, within a year: 2027-03-01.")] = "",
    withdraw: Annotated[UUID | None, typer.Option(help="Take this one back.")] = None,
    why: _Why = "",
    as_json: _Json = False,
) -> None:
    """List exceptions, give one, or take one back."""
    from cli import rollout

    if add:
        if not (phase and until and why):
            raise typer.BadParameter("--phase, --until and --why are needed")
        end = rollout.as_moment(until, "--until")
        ask_engines(lambda settings: rollout.granted(settings, programme, phase, add, end, why))
    elif withdraw is not None:
        rollout.needs_reason(why)
        ask_engines(lambda settings: rollout.withdrawn(settings, programme, withdraw, why))
    rollout.tell_exceptions(ask_engines(lambda settings: rollout.exceptions(settings, programme)), as_json=as_json)


@app.command("legacy")
def rollout_legacy(organisation: Annotated[UUID, typer.Argument(help="Its id.")], as_json: _Json = False) -> None:
    """Count who still depends on what an old system made."""
    from cli import rollout

    rollout.tell_legacy(ask_engines(lambda settings: rollout.legacy(settings, organisation)), as_json=as_json)


_Locale = Annotated[str, typer.Option(help="ko or en.")]
_Pdf = Annotated[Path | None, typer.Option("--pdf", help="Write it to this file, as PDF.")]


@app.command("analysis")
def rollout_analysis(
    organisation: Annotated[UUID | None, typer.Option(help="Whose people: its id; everybody if not given.")] = None,
    days: Annotated[int, typer.Option(min=1, max=180, help="So far back sign-ins count.")] = 30,
    locale: _Locale = "en",
    pdf: _Pdf = None,
    as_json: _Json = False,
) -> None:
    """Say how people sign in today, how strongly they could, and whom phases would meet."""
    from cli import rollout_progress

    language = rollout_progress.as_locale(locale)
    if pdf is not None:
        paper = ask_engines(lambda settings: rollout_progress.analysis_paper(settings, organisation, days, language))
        rollout_progress.write(pdf, paper)
        return
    found = ask_engines(lambda settings: rollout_progress.analysed(settings, organisation, days))
    rollout_progress.tell_analysis(found, language, as_json=as_json)


@app.command("progress")
def rollout_progress_(programme: _Programme, locale: _Locale = "en", as_json: _Json = False) -> None:
    """Say how far the phases of a programme are, and when everybody will have enrolled."""
    from cli import rollout_progress

    language = rollout_progress.as_locale(locale)
    found = ask_engines(lambda settings: rollout_progress.progressed(settings, programme))
    rollout_progress.tell_progress(found, language, as_json=as_json)


@app.command("report")
def rollout_report(programme: _Programme, locale: _Locale = "en", pdf: _Pdf = None, as_json: _Json = False) -> None:
    """Say what a programme reached, what it cost people, and what to do better."""
    from cli import rollout_progress

    language = rollout_progress.as_locale(locale)
    if pdf is not None:
        paper = ask_engines(lambda settings: rollout_progress.report_paper(settings, programme, language))
        rollout_progress.write(pdf, paper)
        return
    found = ask_engines(lambda settings: rollout_progress.reported(settings, programme))
    rollout_progress.tell_report(found, language, as_json=as_json)


def _take_on(programme: UUID, phase: str, act: Act, why: str, *, as_json: bool, share: int | None = None) -> None:
    from cli import rollout

    rollout.needs_reason(why)
    after = ask_engines(lambda settings: rollout.taken_on(settings, programme, phase, act, why, share))
    rollout.tell_phase(after, as_json=as_json)
