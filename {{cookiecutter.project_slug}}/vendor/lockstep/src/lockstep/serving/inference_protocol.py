"""The Open Inference Protocol, version 2, over HTTP: columns as tensors.

A tensor has no place for what is wrong with a single row, so the whole request is refused for it.
"""

from __future__ import annotations

import operator
from asyncio import gather
from base64 import b64encode
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic_core import to_json

from ..core.contract import IMAGE
from ..core.params import ServeParams, predicts_numbers
from .bodies import JSON, handle_body, parse_json, require_type
from .entries import make_entries
from .errors import Unusable
from .health import is_ready
from .messages import Question, Reply
from .models_route import find_version, list_live
from .predict_route import read_key
from .prometheus import Measures
from .refusals import refuse
from .request_ids import ID
from .row_contract import find_row_contract, list_subjects
from .tensors import BYTES, PIXELS, Tensor, read_tensors, transpose, write_tensor
from .tracing import describe_span

if TYPE_CHECKING:
    from .engine import Engine, Version
    from .request_store import RequestStore

HEAD_LENGTH = "Inference-Header-Content-Length"
"""The header that says where the JSON ends and the bytes of tensors begin."""
BINARY = "application/octet-stream"
BECAUSE = "because"
"""What is told of anomalies only, so that the first row of an answer need not have it."""
IMAGES_AT_ONCE = 16
"""Of one request that the engine is asked about, so that there is room for others."""
DATATYPES = {"numeric": "FP64", "integer": "INT64", "image": PIXELS}
"""Of the types of the contract's columns; all others are texts."""


def make_inference_routes(
    engine: Engine, store: RequestStore, settings: ServeParams, measures: Measures
) -> APIRouter:
    """The routes of the protocol, those that it calls optional among them."""
    router = APIRouter(prefix="/v2")

    @router.get("", summary="The protocol that the server speaks")
    async def describe_server() -> Response:
        content = {"name": "lockstep", "version": "2", "extensions": ["binary_tensor_data"]}
        return JSONResponse(content)

    @router.get("/health/live", summary="Whether the server lives")
    async def tell_that_server_lives() -> Response:
        return JSONResponse({"live": True})

    @router.get("/health/ready", summary="Whether it is ready to answer")
    async def tell_whether_server_is_ready() -> Response:
        is_up = is_ready(engine)
        return JSONResponse({"ready": True}) if is_up else refuse(503, "the server is not ready")

    @router.get("/models/{model}", summary="The tensors of a model")
    async def describe_model(model: str) -> Response:
        return JSONResponse(_describe(list_live(engine), model))

    @router.get("/models/{model}/versions/{version}", summary="The tensors of a version")
    async def describe_model_version(model: str, version: str) -> Response:
        return JSONResponse(_describe(list_live(engine), model, version))

    @router.get("/models/{model}/ready", summary="Whether a model is ready to answer")
    async def tell_whether_model_is_ready(model: str) -> Response:
        return _tell_state(find_version(list_live(engine), model))

    @router.get("/models/{model}/versions/{version}/ready", summary="Whether a version is")
    async def tell_whether_version_is_ready(model: str, version: str) -> Response:
        return _tell_state(find_version(list_live(engine), model, version))

    @router.post("/models/{model}/infer", summary="Predict columns as tensors")
    async def infer(model: str, request: Request) -> Response:
        return await _infer(request, model, None)

    @router.post("/models/{model}/versions/{version}/infer", summary="The same by a version")
    async def infer_by_version(model: str, version: str, request: Request) -> Response:
        return await _infer(request, model, version)

    async def _infer(request: Request, model: str, version: str | None) -> Response:
        time = datetime.now(UTC)
        content, binary = await _read_content(request)
        identity = request.state.id = _read_id(content, request)
        versions = list_live(engine)
        is_binary = _read_flag(content, "binary_data_output")
        wishes = _read_wishes(content, is_binary)
        choice = _list_outputs(find_version(versions, model, version))
        if reason := _find_strange_wish(wishes, choice):
            raise Unusable(reason)
        columns = {
            name
            for one in versions
            if one.model == model
            for name in find_row_contract(one)["columns"]
        }
        key = read_key(request)
        first, *others = await handle_body(
            await request.body(),
            lambda body: _make_questions(content, binary, columns, settings.max_rows, len(body)),
        )

        async def ask(question: Question, name: str | None) -> Reply:
            return await engine.predict(
                question, model=model, version=name, key=key, request=identity
            )

        replies = [await ask(first, version)]
        for batch in _divide(others, IMAGES_AT_ONCE):
            replies += await gather(*(ask(question, replies[0].version) for question in batch))
        reply = _join(replies)
        # It may have been promoted, or taken away, while it was asked.
        source = find_version([*versions, *list_live(engine)], reply.model, reply.version)
        outputs = {
            name: kind
            for name, kind in _list_outputs(source).items()
            if name in reply.answers[0] or name == BECAUSE
        }
        refusal = _find_refusal(reply) or _find_strange_wish(wishes, outputs)
        is_refused = refusal is not None
        store.put(make_entries(identity, time, reply, "answer", is_refused=is_refused))
        measures.count_rows(reply)
        describe_span(reply)
        if refusal is not None:
            raise Unusable(refusal)
        target = source.contract["columns"][source.contract["target"]]
        separator = target.get("separator", "")
        wishes = wishes or dict.fromkeys(outputs, is_binary)
        return _write_answer(identity, reply, wishes, outputs, separator)

    return router


def _describe(versions: Sequence[Version], model: str, name: str | None = None) -> dict[str, Any]:
    """The metadata of a model, whose tensors have a value for each row; those that go out, of a
    forecast, for each of times to come, and of sequences for each of them.
    """
    version = find_version(versions, model, name)
    outputs = [
        {"name": name, "datatype": datatype, "shape": [-1]}
        for name, datatype in _list_outputs(version).items()
    ]
    return {
        "name": version.model,
        "versions": [each.version for each in versions if each.model == version.model],
        "platform": "lockstep",
        "inputs": list_inputs(version),
        "outputs": outputs,
    }


def list_inputs(version: Version) -> list[dict[str, Any]]:
    """The tensors that a version asks for, each with its name, datatype and shape."""
    columns, images = find_row_contract(version)["columns"], version.contract.get("images")
    shapes = {}
    if images:
        shades = 3 if images.get("colour") else 1
        shapes[IMAGE] = [-1, images["height"], images["width"], shades]
    return [
        {
            "name": name,
            "datatype": _find_datatype(columns.get(name, {})),
            "shape": shapes.get(name, [-1]),
        }
        for name in version.features
    ]


def _find_datatype(column: dict[str, Any]) -> str:
    return DATATYPES.get(column.get("type", ""), BYTES)


def _list_outputs(version: Version) -> dict[str, str]:
    """What a version tells of each row, and as what."""
    names = {name: _find_datatype(one) for name, one in list_subjects(version).items()}
    if version.kind == "anomalies":
        return {**names, "prediction": BYTES, "oddness": "FP64", BECAUSE: BYTES}
    if version.kind == "clustering":
        return {**names, "prediction": BYTES, "clarity": "FP64"}
    if not predicts_numbers(version.kind):
        shares = {f"probability_{name}": "FP64" for name in version.classes}
        return {**names, "prediction": BYTES, **shares}
    return names | dict.fromkeys(("prediction", "prediction_low", "prediction_high"), "FP64")


def _tell_state(version: Version) -> Response:
    content = {"name": version.model, "version": version.version, "ready": True}
    if version.state == "ready":
        return JSONResponse(content)
    return refuse(503, f"{version.model} {version.version} is {version.state}")


async def _read_content(request: Request) -> tuple[dict[str, Any], bytes]:
    """The JSON of a request, and the bytes behind it."""
    # Triton's clients name no type.
    if request.headers.get("content-type"):
        require_type(request, (JSON, BINARY))
    body = await request.body()
    length = request.headers.get(HEAD_LENGTH, str(len(body)))
    if not (length.isascii() and length.isdigit() and int(length) <= len(body)):
        raise Unusable(f"{HEAD_LENGTH}: found {length!r}; the length of the JSON was expected")
    content = await handle_body(body, lambda body: parse_json(body[: int(length)]))
    if not isinstance(content, dict):
        raise Unusable(f"found {type(content).__name__}; an object with `inputs` was expected")
    return content, body[int(length) :]


def _read_id(content: dict[str, Any], request: Request) -> str:
    identity = content.get("id") or request.state.id
    if not isinstance(identity, str) or not ID.fullmatch(identity):
        raise Unusable("id: at most 128 letters, digits and signs of . _ : - were expected")
    return identity


def _make_questions(
    content: dict[str, Any],
    binary: bytes,
    columns: Collection[str],
    most_rows: int,
    size: int,
) -> list[Question]:
    """One for all rows; or one for each image, since a question has but one."""
    tensors = read_tensors(content.get("inputs"), binary, most_rows)
    pictures = make_pictures([tensor for tensor in tensors if tensor.is_image])
    others = [tensor for tensor in tensors if not tensor.is_image]
    if not pictures:
        return [Question(transpose(others, columns), size=size)]
    if not others:
        return [Question(body=body, form="image", size=len(body)) for body in pictures]
    rows = transpose(others, columns)
    if len(rows) != len(pictures):
        raise Unusable(f"inputs: {len(pictures)} images and {len(rows)} rows beside them")
    files = [{IMAGE: b64encode(picture).decode()} for picture in pictures]
    return [Question(tuple(map(operator.or_, rows, files)), size=size)]


def _divide(questions: list[Question], most: int) -> Iterator[list[Question]]:
    for start in range(0, len(questions), most):
        yield questions[start : start + most]


def make_pictures(tensors: list[Tensor]) -> list[bytes]:
    """The images of a tensor (n_images, height, width[, shades]) as files, of Netpbm's format."""
    if not tensors:
        return []
    tensor, *others = tensors
    count, height, width, *depth = tensor.shape
    shades = depth[0] if depth else 1
    if others or shades not in (1, 3):
        raise Unusable("inputs: a single tensor of images was expected, of 1 or 3 shades")
    head = b"P%d %d %d 255\n" % (6 if shades == 3 else 5, width, height)
    pixels, size = bytes(tensor.values), height * width * shades
    return [head + pixels[place * size : (place + 1) * size] for place in range(count)]


def _join(replies: list[Reply]) -> Reply:
    """A reply with the answers of all, which are those of one request."""
    first, *others = replies
    if not others:
        return first
    answers = [answer for reply in replies for answer in reply.answers]
    seconds = max(reply.seconds for reply in replies)
    return first._replace(answers=answers, rows=None, seconds=seconds)


def _find_refusal(reply: Reply) -> str | None:
    """What breaks the contract in the first row that does."""
    for row, answer in enumerate(reply.answers):
        if "errors" in answer:
            reasons = [f"{error['column']}: {error['reason']}" for error in answer["errors"]]
            names = [f"{name} {cell}" for name, cell in answer.items() if name != "errors"]
            return f"{', '.join(names) or f'row {row}'}, {'; '.join(reasons)}"
    return None


def _write_answer(
    identity: str,
    reply: Reply,
    wishes: Mapping[str, bool],
    outputs: Mapping[str, str],
    separator: str,
) -> Response:
    """The answer, with those of the `outputs` that are wished for, as bytes or not.

    A tensor has a value for each row, so that labels are one text, with `separator` between them,
    and what is told of some rows only is an empty one of the others.
    """
    tensors, contents = [], []
    for name, is_binary in wishes.items():
        values = [_write_value(answer.get(name, ""), separator) for answer in reply.answers]
        tensor, binary = write_tensor(name, outputs[name], values, is_binary=is_binary)
        tensors.append(tensor)
        contents.append(binary)
    head = to_json(
        {
            "model_name": reply.model,
            "model_version": reply.version,
            "id": identity,
            "outputs": tensors,
        }
    )
    if not any(wishes.values()):
        return Response(head, media_type=JSON)
    headers = {HEAD_LENGTH: str(len(head))}
    return Response(b"".join((head, *contents)), headers=headers, media_type=BINARY)


def _write_value(value: Any, separator: str) -> Any:
    return separator.join(value) if isinstance(value, list) else value


def _read_wishes(content: dict[str, Any], default: bool) -> dict[str, bool]:
    """The outputs that a request asks for, and whether as bytes; none where it asks for all."""
    wishes = content.get("outputs") or []
    match wishes:
        case [*_] if all(
            isinstance(wish, dict) and isinstance(wish.get("name"), str) for wish in wishes
        ):
            return {wish["name"]: _read_flag(wish, "binary_data", default) for wish in wishes}
    raise Unusable("outputs: a list was expected, each with its `name`")


def _find_strange_wish(wishes: Mapping[str, bool], outputs: Mapping[str, str]) -> str | None:
    """What is asked for and is no output, in a line."""
    if wishes.keys() <= outputs.keys():
        return None
    return f"outputs: some of {', '.join(outputs)} were expected, each with its `name`"


def _read_flag(holder: dict[str, Any], name: str, default: bool = False) -> bool:
    match holder.get("parameters"):
        case {**parameters}:
            return parameters.get(name, default) is True
    return default
