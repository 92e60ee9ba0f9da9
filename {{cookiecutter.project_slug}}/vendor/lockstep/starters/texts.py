"""Candidates for sentences."""

from typing import Unpack

import lockstep
from lockstep import Problem, TokenShape, Training, candidate, keras, make_embedding
from pydantic import PositiveFloat, PositiveInt
from sklearn.base import BaseEstimator

from .common import Dropout, Units


@candidate(takes_terms=True)
def naive_bayes(problem: Problem, *, alpha: PositiveFloat = 0.1) -> BaseEstimator:
    """Naive Bayes over terms (McCallum and Nigam, 1998), quick where there are many.

    Args:
        alpha: how often each term is taken to have come in each class beside the train rows
    """
    problem.require_classes("naive_bayes")
    return lockstep.make_naive_bayes(alpha)


# The networks, as in common.py. To these the words come first, and then all other features.


@candidate(takes_tokens=True)
def text_rnn(
    problem: Problem,
    *,
    embedding: PositiveInt = 64,
    units: PositiveInt = 64,
    dropout: Dropout = 0.2,
    **training: Unpack[Training],
) -> BaseEstimator:
    """A recurrent network (Cho et al., 2014), which reads sentences word by word, in Keras.

    Args:
        embedding: length of the vector that stands for a word
        units: numbers that it remembers
    """
    tokens = problem.require_tokens("text_rnn")
    training = {**Training(learning_rate=0.003), **training}
    options = {"embedding": embedding, "units": units, "dropout": dropout}
    return problem.network(recurrent_reader, training, tokens=tokens, **options)


def recurrent_reader(
    columns: int,
    outputs: int,
    activation: str,
    *,
    tokens: TokenShape,
    embedding: int,
    units: int,
    dropout: float,
) -> "keras.Model":
    """A state that each word changes."""
    layers, inputs = keras.layers, keras.Input((columns,))
    words = make_embedding(tokens, embedding, masks=True)(inputs[:, : tokens.length])
    state = layers.GRU(units)(layers.Dropout(dropout)(words))
    hidden = layers.Concatenate()([layers.Dropout(dropout)(state), inputs[:, tokens.length :]])
    return keras.Model(inputs, layers.Dense(outputs, activation=activation)(hidden))


@candidate(takes_tokens=True)
def text_cnn(
    problem: Problem,
    *,
    embedding: PositiveInt = 64,
    filters: PositiveInt = 64,
    widths: Units = (1, 2, 3),
    dropout: Dropout = 0.5,
    **training: Unpack[Training],
) -> BaseEstimator:
    """A convolutional network (Kim, 2014), which looks for words in a row, in Keras.

    Args:
        embedding: length of the vector that stands for a word
        filters: filters of each width
        widths: words in a row that filters see at once
    """
    tokens = problem.require_tokens("text_cnn")
    training = {**Training(learning_rate=0.003), **training}
    options = {"embedding": embedding, "filters": filters, "widths": widths, "dropout": dropout}
    return problem.network(convolutional_reader, training, tokens=tokens, **options)


def convolutional_reader(
    columns: int,
    outputs: int,
    activation: str,
    *,
    tokens: TokenShape,
    embedding: int,
    filters: int,
    widths: Units,
    dropout: float,
) -> "keras.Model":
    """How strongly each filter answers where it answers most."""
    layers, inputs = keras.layers, keras.Input((columns,))
    words = make_embedding(tokens, embedding)(inputs[:, : tokens.length])
    answers = []
    for width in widths:
        answer = layers.Conv1D(filters, width, padding="same", activation="relu")(words)
        answers.append(layers.GlobalMaxPooling1D()(answer))
    hidden = layers.Dropout(dropout)(layers.Concatenate()(answers))
    hidden = layers.Concatenate()([hidden, inputs[:, tokens.length :]])
    return keras.Model(inputs, layers.Dense(outputs, activation=activation)(hidden))
