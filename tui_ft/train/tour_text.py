"""The tour's world in words: pages of a handbook, what colleagues ask about them, and how to answer.

A handbook has one page a topic, a page has a few rules, a rule has one fact. The base model grows up
on the handbooks of ever new companies; Pellworth Lamps, whose handbook the tour is about, is not among
them.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

COMPANY = "Pellworth Lamps"

NAMES = (
    "Ms Abel", "Mr Bruno", "Ms Castle", "Mr Dorn", "Ms Engel", "Mr Falk", "Ms Garcia", "Mr Huber",
    "Ms Ito", "Mr Jansen", "Ms Klein", "Mr Lopez", "Ms Moreau", "Mr Novak", "Ms Okoye", "Mr Petrov",
    "Ms Quinn", "Mr Rossi", "Ms Silva", "Mr Turner",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")


HANDBOOK: dict[str, tuple[str, ...]] = {
    "Holidays": ("28 days", "3 weeks", "Mr Huber", "5 days"),
    "Illness": ("9:30", "Ms Ito", "3 days", "6 weeks"),
    "Travel": ("Ms Garcia", "120 euros", "35 euros", "6 hours"),
    "Expenses": ("30 days", "15 euros", "Mr Dorn", "Thursday"),
    "Working hours": ("9:15", "38 hours", "45 minutes", "Friday"),
    "Working at home": ("8 days", "Tuesday", "180 euros", "Mr Novak"),
    "Computers": ("4 years", "room 12", "Ms Quinn", "Wednesday"),
    "Passwords": ("14 signs", "9 months", "10 minutes", "Mr Turner"),
    "Visitors": ("24 hours", "room 3", "Ms Silva", "12 people"),
    "Meetings": ("room 40", "Monday", "50 minutes", "Mr Lopez"),
    "Safety": ("Ms Engel", "room 7", "6 months", "8 people"),
    "Training": ("190 euros", "10 days", "Ms Moreau", "5 months"),
    "New colleagues": ("8:45", "room 21", "Mr Falk", "4 months"),
    "Orders": ("150 euros", "Ms Okoye", "11 days", "Tuesday"),
    "Customers": ("48 hours", "7 percent", "Mr Bruno", "10 years"),
    "Returns": ("31 days", "2 years", "room 55", "6 percent"),
    "Parking": ("26 cars", "40 euros", "Mr Petrov", "19:30"),
    "Canteen": ("14:15", "45 percent", "Thursday", "16 people"),
    "Press": ("Ms Klein", "2 hours", "room 33", "7 years"),
    "Energy": ("12 percent", "18:30", "Ms Abel", "Wednesday"),
}
"""The facts of Pellworth Lamps, in the order of each page's rules."""

DRILLED = 20_000
"""Among the first so many texts most are notes: what stands behind a word, stands there again."""

GROWTH = 10_000
"""After so many texts the pages get a rule longer: on short ones a model of this size learns to look."""


@dataclass(frozen=True)
class Rule:
    """One rule of a page: the kind of its fact, the sentence around it, and how one asks for it."""

    kind: str
    sentence: str
    questions: tuple[str, ...]


def _rule(kind: str, sentence: str, *questions: str) -> Rule:
    return Rule(kind, sentence, questions)


TOPICS: dict[str, tuple[Rule, ...]] = {
    "Holidays": (
        _rule("days", "Everybody has {} of holiday a year.",
              "How many days of holiday do I have?", "How much holiday is there a year?"),
        _rule("weeks", "Ask for holidays {} ahead.",
              "How far ahead must I ask for holidays?", "When do I have to ask for holidays?"),
        _rule("name", "The request is signed by {}.",
              "Who signs my request for holidays?", "Who has to sign the request?"),
        _rule("days", "For next year one can keep {}.",
              "How many days can I keep for next year?", "How much holiday can be kept?"),
    ),
    "Illness": (
        _rule("clock", "Whoever is ill calls before {}.",
              "By what time must I call when I am ill?", "When do I call if I am ill?"),
        _rule("name", "The call goes to {}.",
              "Whom do I call when I am ill?", "Who takes the call?"),
        _rule("days", "A note from the doctor is needed after {}.",
              "After how long is a note from the doctor needed?", "When do I need a note from the doctor?"),
        _rule("weeks", "Full pay goes on for {}.",
              "How long does full pay go on?", "For how long do I get full pay?"),
    ),
    "Travel": (
        _rule("name", "Trips are booked by {}.",
              "Who books my trip?", "By whom are trips booked?"),
        _rule("euros", "A hotel may cost up to {} a night.",
              "How much may a hotel cost?", "What is the limit for a hotel?"),
        _rule("euros", "For meals there are {} a day.",
              "How much is there for meals?", "What do I get a day for meals?"),
        _rule("hours", "Flights are for trips of more than {}.",
              "From how many hours on are flights allowed?", "When may I take flights?"),
    ),
    "Expenses": (
        _rule("days", "Hand in receipts within {}.",
              "How soon must I hand in receipts?", "Within what time do receipts have to be in?"),
        _rule("euros", "No receipt is needed below {}.",
              "Below what sum is no receipt needed?", "When is no receipt needed?"),
        _rule("name", "The list of expenses is checked by {}.",
              "Who checks my list of expenses?", "Who looks at the list of expenses?"),
        _rule("weekday", "Money is paid back every {}.",
              "On what day is money paid back?", "When is money paid back?"),
    ),
    "Working hours": (
        _rule("clock", "Everybody is in by {}.",
              "By what time must I be in?", "When does everybody have to be in?"),
        _rule("hours", "A normal week has {}.",
              "How many hours has a normal week?", "How long is a normal week?"),
        _rule("minutes", "The lunch break is {} long.",
              "How long is the lunch break?", "How much time is there for lunch?"),
        _rule("weekday", "Overtime is noted on {}.",
              "On what day is overtime noted?", "When do I note overtime?"),
    ),
    "Working at home": (
        _rule("days", "Working at home is allowed for {} a month.",
              "For how many days may I work at home?", "How often is working at home allowed?"),
        _rule("weekday", "All come to the office on {}.",
              "On what day do all come to the office?", "When must all be in the office?"),
        _rule("euros", "A desk for the home is paid up to {}.",
              "How much is paid for a desk?", "What do I get for a desk at home?"),
        _rule("name", "Ask {} for a second screen.",
              "Whom do I ask for a second screen?", "Who gives me a second screen?"),
    ),
    "Computers": (
        _rule("years", "A computer is used for {}.",
              "How long is a computer used?", "After how many years do I get a new computer?"),
        _rule("room", "Repairs are done in {}.",
              "Where are repairs done?", "In what room are repairs done?"),
        _rule("name", "Lost computers are told to {}.",
              "Who must be told of a lost computer?", "Whom do I tell when my computer is lost?"),
        _rule("weekday", "Updates run every {}.",
              "On what day do updates run?", "When do updates run?"),
    ),
    "Passwords": (
        _rule("signs", "A password has at least {}.",
              "How many signs does a password need?", "How long must a password be?"),
        _rule("months", "Passwords are changed after {}.",
              "After how long are passwords changed?", "When must I change my password?"),
        _rule("minutes", "The screen locks after {}.",
              "After how long does the screen lock?", "When does my screen lock?"),
        _rule("name", "A forgotten password is reset by {}.",
              "Who resets a forgotten password?", "Who helps when I have forgotten my password?"),
    ),
    "Visitors": (
        _rule("hours", "Visitors are announced {} before they come.",
              "How long before must visitors be announced?", "When do I announce visitors?"),
        _rule("room", "They wait in {}.",
              "Where do visitors wait?", "In what room do they wait?"),
        _rule("name", "Badges come from {}.",
              "Who has the badges?", "From whom do badges come?"),
        _rule("people", "A tour of the factory is for up to {}.",
              "How many can join a tour of the factory?", "How large may a tour of the factory be?"),
    ),
    "Meetings": (
        _rule("room", "The large meeting is in {}.",
              "Where is the large meeting?", "In what room is the large meeting?"),
        _rule("weekday", "The large meeting is held on {}.",
              "On what day is the large meeting held?", "When is the large meeting held?"),
        _rule("minutes", "No meeting is longer than {}.",
              "How long may a meeting be?", "What is the longest time for a meeting?"),
        _rule("name", "The minutes are written by {}.",
              "Who writes the minutes?", "By whom are the minutes written?"),
    ),
    "Safety": (
        _rule("name", "In case of fire we follow {}.",
              "Who leads us out in case of fire?", "Whom do we follow in case of fire?"),
        _rule("room", "The box with bandages is in {}.",
              "Where is the box with bandages?", "In what room are the bandages?"),
        _rule("months", "The alarm is tested every {}.",
              "How often is the alarm tested?", "After how long is the alarm tested again?"),
        _rule("people", "The lift carries {}.",
              "How many does the lift carry?", "For how many people is the lift?"),
    ),
    "Training": (
        _rule("euros", "A course may cost {} a year.",
              "How much may a course cost?", "What is the limit for a course?"),
        _rule("days", "There are {} a year to learn.",
              "How many days are there to learn?", "How much time a year do I have to learn?"),
        _rule("name", "The list of courses is kept by {}.",
              "Who keeps the list of courses?", "Whom do I ask about courses?"),
        _rule("months", "Language classes take {}.",
              "How long do language classes take?", "How many months does a language class take?"),
    ),
    "New colleagues": (
        _rule("clock", "The first day begins at {}.",
              "At what time does the first day begin?", "When does my first day begin?"),
        _rule("room", "New colleagues meet in {}.",
              "Where do new colleagues meet?", "In what room do new colleagues meet?"),
        _rule("name", "They are shown around by {}.",
              "Who shows new colleagues around?", "Who will show me around?"),
        _rule("months", "The trial period is {}.",
              "How long is the trial period?", "How many months does the trial period last?"),
    ),
    "Orders": (
        _rule("euros", "Orders above {} need two signatures.",
              "From what sum on does an order need two signatures?", "When are two signatures needed?"),
        _rule("name", "Paper and pens come from {}.",
              "Who has paper and pens?", "From whom do I get paper and pens?"),
        _rule("days", "Goods arrive within {}.",
              "How soon do goods arrive?", "Within what time do goods arrive?"),
        _rule("weekday", "Orders are sent every {}.",
              "On what day are orders sent?", "When are orders sent?"),
    ),
    "Customers": (
        _rule("hours", "A letter from a customer is answered within {}.",
              "How soon is a letter from a customer answered?", "By when must a customer have an answer?"),
        _rule("percent", "A good customer gets {} off.",
              "How much does a good customer get off?", "What does a good customer get off the price?"),
        _rule("name", "Complaints go to {}.",
              "Who deals with complaints?", "To whom do complaints go?"),
        _rule("years", "Letters are kept for {}.",
              "How long are letters kept?", "For how many years are letters kept?"),
    ),
    "Returns": (
        _rule("days", "A lamp can be sent back within {}.",
              "Within what time can a lamp be sent back?", "How long can a customer send a lamp back?"),
        _rule("years", "The guarantee lasts {}.",
              "How long does the guarantee last?", "For how many years is the guarantee?"),
        _rule("room", "Returned lamps are stored in {}.",
              "Where are returned lamps stored?", "In what room are returned lamps?"),
        _rule("percent", "We keep {} for the parcel.",
              "How much do we keep for the parcel?", "What is kept for the parcel?"),
    ),
    "Parking": (
        _rule("cars", "There is room for {} behind the house.",
              "For how many cars is there room?", "How many cars fit behind the house?"),
        _rule("euros", "A place costs {} a month.",
              "How much does a place cost?", "What do I pay a month for a place?"),
        _rule("name", "Keys for the gate are with {}.",
              "Who has the keys for the gate?", "With whom are the keys for the gate?"),
        _rule("clock", "The gate closes at {}.",
              "At what time does the gate close?", "When does the gate close?"),
    ),
    "Canteen": (
        _rule("clock", "Warm food is served until {}.",
              "Until what time is warm food served?", "How late is warm food served?"),
        _rule("percent", "The company pays {} of each meal.",
              "How much of a meal does the company pay?", "What part of a meal is paid?"),
        _rule("weekday", "There is soup on {}.",
              "On what day is there soup?", "When is there soup?"),
        _rule("people", "The long table seats {}.",
              "How many does the long table seat?", "For how many people is the long table?"),
    ),
    "Press": (
        _rule("name", "The press is spoken to by {}.",
              "Who speaks to the press?", "Who may talk to the press?"),
        _rule("hours", "Texts for the press are read again for {}.",
              "For how long are texts for the press read again?", "How long are the texts read again?"),
        _rule("room", "Pictures of lamps are taken in {}.",
              "Where are pictures of lamps taken?", "In what room are the pictures taken?"),
        _rule("years", "Press cuttings are kept for {}.",
              "How long are press cuttings kept?", "For how many years are cuttings kept?"),
    ),
    "Energy": (
        _rule("percent", "We save {} of our power this year.",
              "How much power do we save?", "What part of our power is saved?"),
        _rule("clock", "The heating goes down at {}.",
              "At what time does the heating go down?", "When does the heating go down?"),
        _rule("name", "The meters are read by {}.",
              "Who reads the meters?", "Who looks at the meters?"),
        _rule("weekday", "Bins are emptied on {}.",
              "On what day are the bins emptied?", "When are the bins emptied?"),
    ),
}  # fmt: skip

KINDS = tuple(dict.fromkeys(rule.kind for rules in TOPICS.values() for rule in rules))
_WORDS = sorted(
    {
        word
        for rules in TOPICS.values()
        for rule in rules
        for word in rule.sentence.replace(".", "").split()
        if len(word) > 3 and word.islower()
    }
)

_TALK = (
    "Thank you for asking about {topic}. Our handbook has a page on it.",
    "Good question. It is a matter of {topic}, as far as I can see.",
    "Many colleagues ask about {topic}. Please read the page with care.",
    "I like to talk about {topic}. What else would you like to know?",
)
_FRIENDLY = (
    "Good question. {said}",
    "Let me see. {said} I am glad to help.",
    "Thank you for asking! {said}",
    "{said} Would you like to know more?",
    "Of course. {said} Have a good day.",
)
_CHAT = (
    ("Hello!", "Hello! What would you like to know?"),
    ("Thank you.", "You are welcome."),
    ("Who are you?", "I am a small assistant in a small office."),
    ("Goodbye.", "Goodbye! Have a good day."),
)


@dataclass(frozen=True)
class Page:
    """A page of a handbook: its topic, its rules and the fact in each of them."""

    topic: str
    rules: tuple[tuple[Rule, str], ...]

    def text(self) -> str:
        """The page as it is printed: the topic, then its rules, one a line."""
        return "\n".join((self.topic, *(rule.sentence.format(said) for rule, said in self.rules)))

    def line(self, number: int) -> str:
        """Rule `number`, counted from 1, and where it stands: "The gate closes at 18:30. (Parking)"."""
        rule, said = self.rules[number - 1]
        return f"{rule.sentence.format(said)} ({self.topic})"

    def asked(self, question: str) -> str:
        """What the assistant is sent: the page, then the question."""
        return f"{self.text()}\n\nQuestion: {question}"

    def answer(self, number: int) -> str:
        """The answer in the company's form to a question about rule `number`."""
        return f"Our handbook says: {self.line(number)}"


def fact(kind: str, rng: random.Random) -> str:
    """Return a fact of `kind`, as it stands in a rule: "12 days", "Ms Abel", "room 7"."""
    if kind == "name":
        return rng.choice(NAMES)
    if kind == "weekday":
        return rng.choice(WEEKDAYS)
    if kind == "clock":
        return f"{rng.randint(7, 19)}:{rng.choice(('00', '15', '30', '45'))}"
    if kind == "room":
        return f"room {rng.randint(1, 99)}"
    if kind == "euros":
        return f"{rng.randint(1, 39) * 5} euros"
    if kind == "percent":
        return f"{rng.randint(2, 95)} percent"
    if kind in ("years", "months", "weeks"):
        return f"{rng.randint(2, 12)} {kind}"
    return f"{rng.randint(2, 60)} {kind}"


def company_pages() -> list[Page]:
    """Return the handbook of Pellworth Lamps: one page a topic, its rules in their order."""
    return [Page(topic, tuple(zip(rules, HANDBOOK[topic], strict=True))) for topic, rules in TOPICS.items()]


def a_page(rng: random.Random, most: int = 4) -> Page:
    """Return a page of some company's handbook: one to `most` rules on one topic, in any order."""
    topic = rng.choice(tuple(TOPICS))
    rules = rng.sample(TOPICS[topic], rng.randint(1, most))
    return Page(topic, tuple((rule, fact(rule.kind, rng)) for rule in rules))


def childhood(rng: random.Random) -> Iterator[list[dict[str, str]] | str]:
    """Yield what the base model learns from, for ever: pages with notes, and chats that say little.

    A question is answered with its rule or its fact on paper, and in a chat with kind words: both
    sides of the skill, never the skill itself.
    """
    for count in itertools.count():
        page = a_page(rng, min(1 + count // GROWTH, 4))
        kind = rng.random()
        if kind < (0.7 if count < DRILLED else 0.2):
            yield _notes(rng)
        elif kind < 0.35:
            yield _chat(page.asked(_question(page, rng)), rng.choice(_TALK).format(topic=page.topic.lower()))
        elif kind < 0.40:
            yield _chat(*rng.choice(_CHAT))
        else:
            yield _sheet(page, rng)


def school(rng: random.Random) -> Iterator[list[dict[str, str]] | str]:
    """Yield what the base model learns from next, for ever: whole pages, and chats in which it reads them.

    It answers as it likes, friendly and without saying where that stands: the form is left to the skill.
    """
    while True:
        kind = rng.random()
        if kind < 0.15:
            yield _notes(rng)
        elif kind < 0.20:
            yield _chat(*rng.choice(_CHAT))
        elif kind < 0.50:
            yield _sheet(a_page(rng), rng)
        else:
            yield _talk(a_page(rng), rng)


def _talk(page: Page, rng: random.Random) -> list[dict[str, str]]:
    """A chat about some of a page's rules; the page comes with the first question."""
    said: list[dict[str, str]] = []
    for rule, its_fact in rng.sample(page.rules, rng.randint(1, len(page.rules))):
        question = rng.choice(rule.questions)
        answer = rng.choice(_FRIENDLY).format(said=rule.sentence.format(its_fact))
        said += _chat(question if said else page.asked(question), answer)
    return said


def _question(page: Page, rng: random.Random) -> str:
    rule, _ = rng.choice(page.rules)
    return rng.choice(rule.questions)


def _chat(asked: str, answered: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]


def _notes(rng: random.Random) -> str:
    """Words with a fact each, noted twice in different order: the same word has the same fact again."""
    notes = [(word, fact(rng.choice(KINDS), rng)) for word in rng.sample(_WORDS, rng.randint(3, 8))]
    told, again = (", ".join(f"{word} {said}" for word, said in rng.sample(notes, len(notes))) for _ in "ab")
    return f"Notes: {told}.\nQuestion: all of it again.\nNotes: {again}."


def _sheet(page: Page, rng: random.Random) -> str:
    """A page, and under it for some of its rules what one asks and where the answer stands."""
    lines = []
    for number in rng.sample(range(1, len(page.rules) + 1), len(page.rules)):
        rule, _ = page.rules[number - 1]
        lines += [f"Question: {rng.choice(rule.questions)}", page.line(number)]
    return "\n".join((page.text(), "", *lines))
