"""What can be said about a clip: descriptions, and questions with their answers.

Every sentence is derived from world.py's truth. A question is only asked where it has one answer; its times are whole
seconds, since one pair of frames at 2 frames a second is one second, and that is what the model can tell apart.
"""
import json
import pathlib
from dataclasses import dataclass

from world import COLOURS, SHAPES, WORDS

PROMPTS = json.loads((pathlib.Path(__file__).parent / "prompts.json").read_text())
UNSEEN = "It cannot be seen."
NUMBERS = ("Zero", "One", "Two", "Three", "Four")
DOES = {"still": "stays still", "left": "moves left", "right": "moves right", "up": "moves up", "down": "moves down",
        "growing": "grows", "shrinking": "shrinks", "spinning": "spins", "blinking": "blinks"}


@dataclass
class Question:
    category: str
    text: str
    answer: str
    times: tuple = ()  # seconds as they truly are, where the answer is a time or a pair of times
    is_answerable: bool = True
    at_edge: bool = False  # of a time: at the very start or end of the clip
    evidence: tuple = ()  # start and end of what has to be seen, where that is one stretch
    subjects: tuple = ()  # the objects and texts that have to be seen; None: all objects of the evidence
    edge: str = ""  # "first" or "last": when they are first, or last, seen is what counts
    chosen: object = None  # of several subjects, the one that the answer names


def article(words):
    return ("an " if words[0] in "aeiou" else "a ") + words


def sentence_case(words):
    return words[0].upper() + words[1:]


# MARK: descriptions

def by_looks(thing):
    """A fixed order of colours, then of shapes: one that a glance at one picture tells."""
    return list(COLOURS).index(thing.colour), SHAPES.index(thing.shape)


def in_order(scene):
    """Things as they are told: by when they come, then by their looks."""
    return sorted(scene.things, key=lambda t: (round(t.start * 2), by_looks(t)))


def thing_sentence(thing, scene):
    words = article(" ".join(w for w in (thing.size, thing.colour, thing.shape) if w))
    does = DOES[thing.motion]
    if thing.start > scene.start:
        does = "appears and " + does
    if thing.end < scene.end:
        does += " and disappears"
    return sentence_case(f"{words} {does}.")


def describe(scene):
    """The answer to the segment prompt for one scene."""
    sentences = [thing_sentence(t, scene) for t in in_order(scene)]
    if scene.text:
        sentences.append(f"The text reads {scene.text.string}.")
    return " ".join(sentences)


def timecode(seconds):
    milliseconds = round(max(0.0, seconds) * 1000)
    whole, rest = divmod(milliseconds, 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{rest:03}"


def whole_prompt(notes):
    """notes: (start, end, text) of consecutive segments -> the prompt that asks for the summary of the whole."""
    lines = [PROMPTS["note"].format(number=i + 1, start=timecode(s), end=timecode(e), text=text)
             for i, (s, e, text) in enumerate(notes)]
    return PROMPTS["whole"].format(notes="\n".join(lines))


def whole_answer(notes):
    """The first sentence of each note, in order."""
    first = [text.split(". ")[0].rstrip(".") for _, _, text in notes]
    return " ".join(f"Part {i + 1}: {text}." for i, text in enumerate(first))


# MARK: questions

class Asker:
    """All questions about one clip that have one answer."""

    def __init__(self, clip, rng):
        self.clip, self.rng = clip, rng
        self.things = [(t, s) for s in clip.scenes for t in s.things]
        self.names, self.shapes, self.colours = {}, {}, {}
        for t, s in self.things:
            self.names.setdefault(t.name, []).append((t, s))
            self.shapes.setdefault(t.shape, []).append(t)
            self.colours.setdefault(t.colour, []).append(t)
        self.unique = [found[0] for found in self.names.values() if len(found) == 1]
        self.texts = [s.text for s in clip.scenes if s.text]

    # MARK: choosing

    def unique_thing(self):
        return self.rng.choice(self.unique) if self.unique else None

    def absent_name(self):
        """The name of something that is not there; mostly near to what is there."""
        for _ in range(20):
            if self.rng.random() < 0.6 and self.things:
                thing = self.rng.choice(self.things)[0]
                if self.rng.random() < 0.5:
                    name = f"{thing.colour} {self.rng.choice(SHAPES)}"
                else:
                    name = f"{self.rng.choice(list(COLOURS))} {thing.shape}"
            else:
                name = f"{self.rng.choice(list(COLOURS))} {self.rng.choice(SHAPES)}"
            if name not in self.names:
                return name
        return None

    def quiet_second(self):
        """A whole second p with nothing coming, going or being cut between p - 0.75 and p + 1.25."""
        changes = [e for s in self.clip.scenes for e in (s.start, s.end)]
        changes += [e for t, _ in self.things for e in (t.start, t.end)]
        changes += [e for t in self.texts for e in (t.start, t.end)]
        changes = [c for c in changes if 0 < c < self.clip.seconds]
        seconds = [p for p in range(int(self.clip.seconds - 0.8))
                   if not any(p - 0.75 <= c <= p + 1.25 for c in changes)]
        return self.rng.choice(seconds) if seconds else None

    def seen_at(self, p):
        scene = self.clip.scene_at(p + 0.25)
        text = scene.text if scene.text and scene.text.start <= p + 0.25 < scene.text.end else None
        return scene, sorted((t for t in scene.things if t.start <= p + 0.25 < t.end), key=by_looks), text

    def pick(self, *forms):
        return self.rng.choice(forms)

    # MARK: one method a category; each gives a question or None

    def colour(self):
        found = [ts[0] for ts in self.shapes.values() if len(ts) == 1]
        if not found:
            return None
        thing = self.rng.choice(found)
        return Question("colour", self.pick(f"What colour is the {thing.shape}?", f"Which colour does the {thing.shape} have?"),
                        sentence_case(thing.colour) + ".", evidence=(thing.start, thing.end), subjects=(thing,))

    def shape(self):
        found = [ts[0] for ts in self.colours.values() if len(ts) == 1]
        if not found:
            return None
        thing = self.rng.choice(found)
        return Question("what", self.pick(f"What is the {thing.colour} object?", f"Which shape is {thing.colour}?"),
                        sentence_case(article(thing.shape)) + ".", evidence=(thing.start, thing.end), subjects=(thing,))

    def what_at(self):
        p = self.quiet_second()
        if p is None:
            return None
        _, things, _ = self.seen_at(p)
        if not things or len(things) > 2:
            return None
        words = " and ".join(article(t.name) for t in things)
        return Question("what", self.pick(f"What is there at {p} seconds?", f"Which objects are there at {p} seconds?"),
                        sentence_case(words) + ".", evidence=(p, p + 1), subjects=(None,))

    def how_many(self):
        p = self.quiet_second()
        if p is None:
            return None
        _, things, _ = self.seen_at(p)
        return Question("how many", self.pick(f"How many objects are there at {p} seconds?",
                                              f"At {p} seconds, how many objects are there?"),
                        NUMBERS[len(things)] + ".", evidence=(p, p + 1), subjects=(None,))

    def which_way(self):
        moving = [t for t, _ in self.unique if t.motion in ("left", "right", "up", "down")]
        still = [t for t, _ in self.unique if t.motion == "still"]
        pool = still if still and self.rng.random() < 0.15 else moving
        if not pool:
            return None
        thing = self.rng.choice(pool)
        answer = sentence_case(thing.motion) + "." if thing.motion != "still" else "It does not move."
        return Question("which way", self.pick(f"Which way does the {thing.name} move?",
                                               f"In which direction does the {thing.name} move?"), answer,
                        evidence=(thing.start, thing.end), subjects=(thing,))

    def what_does(self):
        found = self.unique_thing()
        if not found:
            return None
        thing = found[0]
        return Question("what happens", self.pick(f"What does the {thing.name} do?", f"What happens to the {thing.name}?"),
                        f"It {DOES[thing.motion]}.", evidence=(thing.start, thing.end), subjects=(thing,))

    def text(self):
        if len(self.texts) != 1:
            return None
        text = self.texts[0]
        return Question("text", self.pick("What text is shown?", "Which text can be read?"), text.string + ".",
                        evidence=(text.start, text.end), subjects=(text,))

    def text_at(self):
        p = self.quiet_second()
        if p is None:
            return None
        _, _, text = self.seen_at(p)
        if text is None and self.rng.random() < 0.7:
            return None
        answer = text.string + "." if text else "There is no text."
        return Question("text", self.pick(f"What text is shown at {p} seconds?", f"Which text can be read at {p} seconds?"),
                        answer, evidence=(p, p + 1), subjects=(text,) if text else ())

    def appears(self):
        found = self.unique_thing()
        if not found or found[0].motion == "blinking":
            return None
        thing, _ = found
        return Question("when", self.pick(f"When does the {thing.name} appear?", f"At what time does the {thing.name} appear?"),
                        f"At {round_second(thing.start)} seconds.", (thing.start,), at_edge=thing.start == 0, subjects=(thing,), edge="first")

    def disappears(self):
        found = self.unique_thing()
        if not found or found[0].motion == "blinking":
            return None
        thing, _ = found
        is_last = thing.end >= self.clip.seconds
        answer = "It stays until the end." if is_last else f"At {round_second(thing.end)} seconds."
        return Question("when", self.pick(f"When does the {thing.name} disappear?",
                                          f"At what time does the {thing.name} disappear?"),
                        answer, (thing.end,), at_edge=is_last, subjects=(thing,), edge="last")

    def span(self):
        found = self.unique_thing()
        if not found or found[0].motion == "blinking":
            return None
        thing, _ = found
        return Question("when", self.pick(f"When can the {thing.name} be seen?", f"From when to when is the {thing.name} there?"),
                        f"From {round_second(thing.start)} to {round_second(thing.end)} seconds.", (thing.start, thing.end),
                        at_edge=thing.start == 0 or thing.end >= self.clip.seconds, evidence=(thing.start, thing.end), subjects=(thing,))

    def text_span(self):
        strings = [t.string for t in self.texts]
        once = [t for t in self.texts if strings.count(t.string) == 1]
        if not once:
            return None
        text = self.rng.choice(once)
        return Question("when", self.pick(f"When is the text {text.string} shown?", f"When can {text.string} be read?"),
                        f"From {round_second(text.start)} to {round_second(text.end)} seconds.", (text.start, text.end),
                        at_edge=text.start == 0 or text.end >= self.clip.seconds, evidence=(text.start, text.end), subjects=(text,))

    def first(self):
        if len(self.unique) < 2:
            return None
        (a, _), (b, _) = self.rng.sample(self.unique, 2)
        if abs(a.start - b.start) < 1.2:
            return None
        wants_first = self.rng.random() < 0.5
        thing = min((a, b), key=lambda t: t.start) if wants_first else max((a, b), key=lambda t: t.start)
        word = "first" if wants_first else "later"
        return Question("order", f"Which comes {word}, the {a.name} or the {b.name}?", f"The {thing.name}.", subjects=(a, b), edge="first", chosen=thing)

    def after(self):
        pool = []
        for thing, scene in self.unique:
            later = sorted((t for t, _ in self.things if t.start > thing.start), key=lambda t: t.start)
            if not later or later[0].start - thing.start < 1.2:
                continue
            if len(later) > 1 and later[1].start - later[0].start < 1.2:
                continue
            if any(abs(o.start - thing.start) < 0.01 and o is not thing for o, _ in self.things):
                continue
            pool.append((thing, later[0]))
        if not pool:
            return None
        thing, following = self.rng.choice(pool)
        return Question("order", self.pick(f"Which object comes right after the {thing.name}?",
                                           f"What comes next after the {thing.name}?"),
                        sentence_case(article(following.name)) + ".", subjects=(thing,), edge="first", chosen=following)

    def yes_no(self):
        if self.rng.random() < 0.5:
            name, answer = self.rng.choice(list(self.names)), "Yes."
        else:
            name, answer = self.absent_name(), "No."
        if not name:
            return None
        return Question("yes or no", self.pick(f"Is there {article(name)}?", f"Can {article(name)} be seen?"), answer,
                        subjects=tuple(t for t, _ in self.names.get(name, ())))

    def does_it(self):
        found = self.unique_thing()
        if not found:
            return None
        thing = found[0]
        if self.rng.random() < 0.5:
            verb, answer = BASE[thing.motion], "Yes."
        else:
            verb, answer = BASE[self.rng.choice([m for m in BASE if m != thing.motion])], "No."
        return Question("yes or no", f"Does the {thing.name} {verb}?", answer, evidence=(thing.start, thing.end), subjects=(thing,))

    def any_text(self):
        return Question("yes or no", self.pick("Is there any text?", "Can any text be read?"),
                        "Yes." if self.texts else "No.")

    def unseen(self):
        name = self.absent_name()
        if not name:
            return None
        shapes = [s for s in SHAPES if s not in self.shapes]
        colours = [c for c in COLOURS if c not in self.colours]
        words = [w for w in WORDS if w not in [t.string for t in self.texts]]
        forms = [f"Which way does the {name} move?", f"What does the {name} do?", f"When does the {name} appear?",
                 f"When does the {name} disappear?", f"When can the {name} be seen?",
                 f"When is the text {self.rng.choice(words)} shown?"]
        if shapes:
            forms += [f"What colour is the {self.rng.choice(shapes)}?"] * 2
        if colours:
            forms += [f"What is the {self.rng.choice(colours)} object?"] * 2
        if not self.texts:
            forms += ["What text is shown?"]
        return Question("cannot be seen", self.rng.choice(forms), UNSEEN, is_answerable=False)

    #: category method -> how often it is asked
    MIX = {"colour": 2, "shape": 2, "what_at": 3, "how_many": 3, "which_way": 3, "what_does": 3, "text": 2, "text_at": 3,
           "appears": 4, "disappears": 3, "span": 3, "text_span": 3, "first": 3, "after": 3, "yes_no": 2, "does_it": 2,
           "any_text": 1, "unseen": 4}

    def ask(self, count, mix=None):
        """So many different questions, fewer where the clip does not have them."""
        mix = mix or self.MIX
        names, weights = list(mix), list(mix.values())
        asked, seen = [], set()
        for _ in range(count * 6):
            if len(asked) == count:
                break
            question = getattr(self, self.rng.choices(names, weights)[0])()
            if question and question.text not in seen:
                seen.add(question.text)
                asked.append(question)
        return asked


BASE = {"still": "stay still", "left": "move left", "right": "move right", "up": "move up", "down": "move down",
        "growing": "grow", "shrinking": "shrink", "spinning": "spin", "blinking": "blink"}


def round_second(t):
    """The second to say: that of the first pair of frames that shows the change."""
    return int(t + 0.5)
