"""What follows an answer: the next question, or the outcome carried out and told."""

from __future__ import annotations

import functools
from dataclasses import replace

from dialogs import asking, clashes, closing, consent, dossier, filing, frames, outcomes, reports
from dialogs.conversation import Frame
from dialogs.messages import Option
from dialogs.script import Outcome
from dialogs.talk import KeepPage, KeepPrecheck, Talk
from knowledge.precheck import Report


def proceed(talk: Talk) -> None:
    """Ask the next question of the top dialog, or carry out and tell its outcome; first which holds of what can't both be true."""
    consent.keep(talk)
    if talk.state.top is None or clashes.asked(talk):
        return
    frame = talk.state.frames[-1]
    now = talk.stage.run(frame)
    if now.outcome is None:
        lead, region = [_used(talk)], now.trail[0].token if now.trail else ""
        begins = frame.dialog == "subsidy_precheck" and now.trail and (len(now.trail) == 1 or talk.state.runs != talk.runs_before)
        over = reports.last_day(talk.voice, region) if begins and not frame.answers.get("as_of") else None
        if over:
            lead.append(talk.say("report.all_over", region=talk.voice.region_name(region)))
        lead.append(_so_far(talk, frame))
        asking.ask(talk, "\n".join(filter(None, lead)))
        if over and talk.replies:
            then = Option(talk.say("report.as_of", year=over.year), f"!asof:{over.isoformat()}")
            talk.replies[-1] = replace(talk.replies[-1], options=(*talk.replies[-1].options, then))
        return
    done(talk, now.outcome)


def _so_far(talk: Talk, frame: Frame) -> str:
    """At the start of a pre-check, what the person's first words lead to already."""
    if frame.dialog != "subsidy_precheck" or talk.state.runs == talk.runs_before or not frame.answers.keys() - {"region", "as_of", "segment"}:
        return ""
    outcome = talk.stage.run(replace(frame, answers={**frame.answers, "enough": "yes"})).outcome
    return reports.so_far(talk.voice, outcome.data) if outcome else ""


def _used(talk: Talk) -> str:
    """Which answers came from earlier dialogs, said once."""
    frame = talk.state.top
    if frame is None:
        return ""
    used = [k for k in frame.taken if k in frame.trail]
    if not used:
        return ""
    talk.state = talk.state.with_top(replace(frame, taken=tuple(k for k in frame.taken if k not in used)))
    if used == ["contact.consent"]:
        return talk.say("consent.kept", day=talk.state.consent["at"][:10])
    return talk.say("dialog.used", facts=talk.say.join([asking.fact_label(talk, k, frame.answers[k]) for k in used]))


def done(talk: Talk, outcome: Outcome) -> None:
    """Tell an outcome, do what it asks for, and offer to go on with what was interrupted."""
    frame = talk.state.top
    if frame is None:
        return
    talk.outcome = functools.partial(outcomes.to_json, outcome, talk.voice)
    if lead := _used(talk):
        talk.speak(lead)
    if outcome.name == "request.filed" or frame.dialog in frames.GUIDED:
        closing.finished(talk, frame)
    match outcome.name:
        case "request.filed":
            filing.file(talk, outcome)
        case "request.note":
            filing.add_note(talk, outcome)
        case _:
            talk.state = talk.state.with_top(replace(talk.state.frames[-1], digest=reports.digest(outcome)))
            talk.replies += reports.tell(talk.voice, outcome, frame.run)
            if isinstance(outcome.data, Report):
                talk.effects.append(KeepPrecheck(outcome.data.region, outcome.data.facts, outcome.data.today))
                _keep(talk, outcome.data)
    if all(f.done for f in talk.state.frames) and talk.replies:
        last, more = talk.replies[-1], talk.say("greeting.else")
        talk.replies[-1] = replace(last, text=f"{last.text}\n{more}")
    offer_resume(talk)


def _keep(talk: Talk, report: Report) -> None:
    """Keep the report of a result; the last reply leads to it."""
    talk.effects.append(KeepPage(dossier.LINK, 24 * dossier.REPORT_DAYS, dossier.recipe(talk.voice, report, talk.now)))
    talk.replies[-1] = replace(talk.replies[-1], link=dossier.LINK, link_label=talk.say("dossier.open_link"))


def show_report(talk: Talk) -> bool:
    """Lead to the page with the report of the last pre-check; False where there is none yet."""
    frame = next((f for f in reversed(talk.state.frames) if f.done and f.dialog == "subsidy_precheck"), None)
    outcome = talk.stage.run(frame).outcome if frame is not None else None
    if outcome is None or not isinstance(outcome.data, Report):
        return False
    talk.speak(talk.say("dossier.where", link=talk.say("dossier.open_link")))
    _keep(talk, outcome.data)
    return True


def digressed(talk: Talk) -> None:
    """After a question in the middle of a dialog, offer the way back, unless the answer led back or began something itself."""
    if talk.asking() is not None and talk.state.runs == talk.runs_before:
        offer_resume(talk)


def offer_resume(talk: Talk) -> None:
    """Offer the dialog that waits below a finished one, or that was interrupted by a question; not right after it was declined."""
    waiting = next((f for f in reversed(talk.state.frames) if not f.done), None)
    if waiting is None or talk.put or (talk.state.declined and talk.state.turn == talk.state.declined + 1):
        return
    question, talk.put = talk.stage.run(waiting).asking, True
    if talk.away and question is not None:
        title = asking.title(talk, question)
        choices = (Option(talk.say("common.resume"), "!resume"), Option(talk.say("common.again"), f"!again:{waiting.run}"))
        talk.speak(talk.say("dialog.welcome_back", name=talk.say(f"dialog.{waiting.dialog}"), question=title), choices)
        return
    options = (Option(talk.say("common.resume"), "!resume"), Option(talk.say("common.leave"), "!leave"))
    talk.speak(talk.say("dialog.resume", name=talk.say(f"dialog.{waiting.dialog}")), options)
