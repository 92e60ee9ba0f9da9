"""What `use` says of sentences that a person should look at."""

import pandas as pd
import pytest
from lockstep.adopting.text_doubts import find_garbled, find_text_doubts
from lockstep.core.contract import Contract

PLAIN = [f"The soup number {number} was quite good" for number in range(40)]


def tell(texts: list[str | None], part: list[str] | None = None) -> list[str]:
    frame = pd.DataFrame(
        {"note": pd.Series(texts, dtype="str"), "label": ["a", "b"] * (len(texts) // 2)}
    )
    columns = {
        "note": {"type": "text", "meaning": "a note"},
        "label": {"type": "binary", "categories": ["a", "b"], "meaning": "a label"},
    }
    if part:
        frame["part"] = part
        columns["part"] = {"type": "binary", "categories": ["train", "test"], "meaning": "a side"}
    words = {"title": "notes", "source": "made up", "licence": "none", "target": "label"}
    contract = Contract(**words, columns=columns, part="part" if part else None)
    return find_text_doubts(frame, contract)["note"]


def test_plain_texts_have_nothing_to_look_at() -> None:
    assert tell(PLAIN) == []
    assert tell(["\N{SMILING FACE WITH SUNGLASSES}", *PLAIN[1:]]) == []
    assert tell(["5 \u00b5m at 10\u00b5F", "47 k\u2126", *PLAIN[2:]]) == []


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        ([None, *PLAIN[1:]], "1 of 40 rows have no text"),
        (["!? ...", *PLAIN[1:]], "1 text has no word, such as '!? ...'"),
        (
            [f"{text}<br />{text}" for text in PLAIN],
            "40 texts have HTML, such as '<br />', which is learnt from as well: take it out first",
        ),
        (
            ["Es war schÃ¶n &c.", *PLAIN[1:]],
            "1 text has signs such as 'schÃ¶n', which were written in UTF-8 and read as something "
            "else: export them again",
        ),
        (
            [(text * 9)[: 255 if place % 3 else 200 + place] for place, text in enumerate(PLAIN)],
            "26 texts have 255 characters and none has more: were they cut off?",
        ),
        (["هذا نص", "这个", *PLAIN[2:]], "several scripts: Latin 95.0%, Arabic 2.5%, CJK 2.5%"),
        (
            ["from your p\u0430ypal account", *PLAIN[1:]],
            "words such as 'p\u0430ypal' mix letters of two scripts that look alike",
        ),
        (
            [f"{number}a {number}b" for number in range(40)],
            "no word comes in two texts: there is none to learn from",
        ),
        (
            [f"same {number}b" for number in range(40)],
            "no word but 'same' comes in two texts: there is little to learn from",
        ),
        (
            [PLAIN[1].upper(), *PLAIN[1:]],
            "1 of the different texts are another one but for case or spaces: they may come to lie "
            "on both sides of the split",
        ),
    ],
    ids=[
        "missing",
        "no word",
        "HTML",
        "mojibake",
        "cut",
        "scripts",
        "lookalikes",
        "no common",
        "one common",
        "near copies",
    ],
)
def test_what_is_odd_in_texts_is_told(texts: list[str | None], told: str) -> None:
    assert tell(texts) == [told]


def test_texts_on_both_sides_of_a_given_split_are_told() -> None:
    sides = ["test"] * 4 + ["train"] * 36
    (told,) = tell([*PLAIN[:4], *PLAIN[:36]], sides)
    assert told == "4 of 4 texts for the test are learnt from as well: figures promise too much"


@pytest.mark.parametrize(
    "text",
    ["Größe, „schön“ \u2013 é", "Ça c'était à l'île", "ÄÖÜ äöü ß", "这部电影", "فيلم", "😀 5 €"],
)
def test_letters_of_other_languages_are_not_taken_for_misread_ones(text: str) -> None:
    assert find_garbled(text) is None
