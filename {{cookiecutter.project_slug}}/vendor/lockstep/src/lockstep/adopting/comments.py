"""What stands in params.yaml above the settings that `use` adds for such data."""

COMMENTS = {
    "data.resize": (
        "Scale images of another size than the contract's, instead of setting them aside."
    ),
    "split.seed": (
        "Of a thousand seeds the one that divides the target most evenly between train and test; "
        "null takes the one above."
    ),
    "features.past": "What is made of a series' latest values beside those themselves.",
    "features.signal": (
        "What is made of all points of a sequence, for candidates that do not read each."
    ),
    "features.text": (
        "TF-IDF of words and of parts of words; few numbers in its place for candidates that take "
        "no terms."
    ),
    "features.tokens": "The same texts word by word, for networks that read them so.",
    "train.decision": (
        "When the second of two classes, a label, or of classes in an order a higher one is "
        "predicted. null: when it is more probable or, of anomalies, as contamination says. "
        "f1_macro, or another metric of decisions, or costs such as {missed: 20, false_alarm: 1} "
        "choose a threshold on validation rows; a number is the threshold itself, of classes in an "
        "order 0.5 the median."
    ),
    "train.champion": (
        "The candidate to take whatever its figures; null: the best by `metric`. Without labels no "
        "figure tells which detector finds most true anomalies; docs/anomalies.md has more."
    ),
    "train.contamination": (
        "The share of the rows that are expected to be anomalies: the oddest ones, so many, are "
        "called so."
    ),
    "train.training_sizes": (
        "Shares of the rows to train the champion on again, to see whether more rows would help."
    ),
    "train.clusters": (
        "How many clusters there are to be. null: as many, up to ten, as are found again in other "
        "rows and lie apart."
    ),
}
