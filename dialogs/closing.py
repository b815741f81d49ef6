"""When something is finished: what else is needed, and, once for each piece of work, whether it helped."""

from __future__ import annotations

from dataclasses import replace

from dialogs import asking
from dialogs.conversation import Frame
from dialogs.messages import Option
from dialogs.talk import Rated, Talk

VALUES = ("good", "fair", "poor")


def finished(talk: Talk, frame: Frame) -> None:
    """Remember a finished piece of work, to ask about it once."""
    about = f"{frame.run}.{frame.dialog}"
    if about != talk.state.rating.rstrip("!"):
        talk.state = replace(talk.state, finished=about)


def thanks(talk: Talk) -> None:
    """Answer a thank-you in one line; then the open question again, or whether it helped."""
    if talk.asking() is not None:
        talk.speak(talk.say("greeting.thanks_open"))
        asking.ask(talk)
        return
    talk.speak(talk.say("greeting.thanks"))
    offer(talk)


def bye(talk: Talk) -> None:
    """Answer a good-bye in one line: what is open waits and is not pushed; what was finished is asked about once."""
    talk.state = replace(talk.state, declined=talk.state.turn)
    talk.speak(talk.say("greeting.bye"))
    offer(talk)


def offer(talk: Talk) -> None:
    """Ask whether the last finished piece of work helped, if nobody was asked yet."""
    about = talk.state.finished
    if not about:
        return
    talk.state = replace(talk.state, finished="", rating=about)
    name = talk.say(f"dialog.{about.partition('.')[2]}")
    talk.speak(talk.say("rating.ask", name=name), tuple(Option(talk.say(f"rating.{v}"), f"!rate:{about}.{v}") for v in VALUES))


def rate(talk: Talk, argument: str) -> None:
    """Take a rating; a low one leads to a person."""
    about, _, value = argument.rpartition(".")
    if value not in VALUES or about != talk.state.rating:
        talk.speak(talk.say("rating.again" if value in VALUES and f"{about}!" == talk.state.rating else "bad.stale"))
        asking.ask(talk)
        return
    run, _, dialog = about.partition(".")
    talk.tapped = talk.say(f"rating.{value}")
    talk.state = replace(talk.state, rating=f"{about}!")
    talk.effects.append(Rated(dialog, value, talk.stage.today, talk.knowledge.version))
    if value != "poor":
        talk.speak(talk.say("rating.noted"))
    else:
        kept = any(f.run == run for f in talk.state.frames)
        talk.speak(talk.say("rating.poor_noted"), (Option(talk.say("common.human"), f"!log:run.{run}" if kept else "!human"),))
    asking.ask(talk)
