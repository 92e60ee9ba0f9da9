"""Take a person's own data into the project, instead of what it runs on so far."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from ..core.contract import Contract
from ..core.editing import ABSENT, change_values, edit_yaml
from ..core.errors import UserError
from ..core.examples import frame_contract
from ..core.files import read_yaml
from ..core.params import FeaturesParams, Params
from ..core.project import Project
from ..data.examples import make_examples
from ..data.folds import make_folds
from ..data.split import choose_split_seed, split_rows
from ..reading.images import has_images
from . import swap
from .comments import COMMENTS
from .contract_text import format_contract
from .forecasts import FEW_HORIZONS
from .images import understand_images
from .inventory import (
    describe_cache,
    is_in_use,
    is_kept_by_git,
    keep_descriptions,
    list_files,
    list_former_names,
    list_removals,
    load_former_contract,
    pointer,
)
from .sources import Source, fetch
from .spaces import suggest_spaces
from .starters import find_idle_starters, find_missing_starters
from .suggestion import is_fit_long, list_idle_keys, restore_usual, suggest
from .summary import describe_plan, describe_split, find_idle_times, summarise
from .understanding import Understanding, frame_sample, understand
from .wishes import Wishes

FOLDS = (5, 4, 3, 2)
"""How many are tried, until the rows allow them."""
MOST_EXAMPLES_TRIED = 200_000
"""Of a forecast, to see what folds its times allow."""


def use_data(address: str | None, wishes: Wishes, *, dry_run: bool, replace: bool) -> None:
    """Make out what the data at a path or URL hold, tell it, and take them into the project.

    Args:
        address: A file, a folder, or where to fetch from; without it an interrupted run is finished
            and nothing else done.
        wishes: What the person says of them.
        dry_run: Only tell.
        replace: Take out other data that the person has used before.

    Raises:
        UserError: They cannot be read or used, or another process is at it; nothing has changed.
    """
    project = Project.find()
    if dry_run:
        if project.journal.exists():
            print("use: an interrupted run has still to be finished, without --dry-run")
        with TemporaryDirectory(prefix="use-") as folder:
            _take_in(project, _require_address(address), wishes, Path(folder), dry_run, replace)
        return
    with swap.lock(project):
        if swap.resume(project):
            print("use: finished what an interrupted run had begun")
            if address is None:
                print("next: uv run dvc repro")
                return
        with swap.staging_folder(project) as staging:
            _take_in(project, _require_address(address), wishes, staging, dry_run, replace)


def _require_address(address: str | None) -> str:
    if address is None:
        raise UserError("use: name a file, a folder or an address; no interrupted run is to finish")
    return address


def _take_in(
    project: Project, address: str, wishes: Wishes, staging: Path, dry_run: bool, replace: bool
) -> None:
    source = fetch(project, address, staging, wishes.table, dry_run=dry_run)
    name = source.path.name
    understanding = _understand_source(project, source, wishes)
    settings = choose_settings(project, name, understanding)
    former_contract = load_former_contract(project, understanding.contract)
    contract = keep_descriptions(understanding.contract, former_contract)
    former = list_former_names(project, contract, former_contract)
    settings |= {key: [] for key in former}
    vectors = project.params.features.tokens.vectors
    print("\n".join(summarise(name, understanding)))
    print(describe_plan(contract, understanding.table, settings, understanding.folders))
    if times := find_idle_times(contract):
        options = [source.address, *wishes.as_options(), *["--replace"] * replace]
        command = f"{project.command} use {shlex.join([*options, '--time', times[0]])}"
        print(f"rows have a time: `{command}` tests on the latest instead of any rows")
    if is_in_use(project, source, contract, former_contract, wishes):
        print(f"use: {name} is in use already: nothing was changed")
        print("next: uv run dvc repro")
        return
    params_text = edit_yaml(project.params_file.read_text(encoding="utf-8"), settings, COMMENTS)
    try:
        removals = list_removals(project, source, replace=replace)
        is_in_git = is_kept_by_git(project, source)
    except UserError as error:
        if not dry_run:
            raise
        print(f"use: without --dry-run this would end with: {error}")
    if dry_run:
        for path in find_idle_starters(project, contract):
            print(f"use: {project.name(path)} would go: it is for other data, and as it came")
        print("use: nothing was changed (--dry-run)")
    else:
        split = describe_split(understanding.folders)
        _adopt(
            project,
            staging,
            source,
            contract,
            split,
            params_text,
            removals,
            is_in_git,
        )
        for key, names in former.items():
            print(f"use: {key} in params.yaml was for other data, and emptied: {', '.join(names)}")
        if vectors and not contract.texts:
            print(f"use: features.tokens.vectors was for texts, and taken out: {vectors}")
        print("next: uv run dvc repro")


def _understand_source(project: Project, source: Source, wishes: Wishes) -> Understanding:
    path, name = source.path, source.path.name
    if path.is_dir() and project.root.is_relative_to(path):
        raise UserError(f"{name}: the project lies in this folder; name what holds the data alone")
    if has_images(path):
        max_rejected = project.params.data.max_rejected
        return understand_images(path, name, source.origin, wishes, max_rejected)
    files = list_files(path)
    if not files:
        raise UserError(f"{name}: a folder without files")
    return understand(files, name, source.origin, wishes, path if path.is_dir() else None)


def choose_settings(project: Project, name: str, understanding: Understanding) -> dict[str, Any]:
    """What params.yaml has to say, such that the rows can be split and folded by it."""
    params = project.params
    table, contract = frame_sample(understanding.table, understanding.contract)
    settings = restore_usual(params, contract) | suggest(contract, table) | {"data.raw": "data/raw"}
    settings |= suggest_spaces(settings["train.candidates"], params)
    sizes = settings.get("train.training_sizes", params.train.training_sizes)
    if sizes and is_fit_long(contract, understanding.rows):
        settings["train.training_sizes"] = []
    present = params.features.tokens
    if contract.texts and present.vectors:
        # As many of its words are known, too, which may be more than the texts have.
        tokens = settings["features.tokens"]
        most = max(present.vocabulary, tokens["vocabulary"])
        settings["features.tokens"] = tokens | {"vectors": present.vectors, "vocabulary": most}
    if params.data.resize != understanding.resize:
        settings["data.resize"] = understanding.resize
    if params.train.holdout is None and settings["train.holdout"] is None:
        del settings["train.holdout"]
    if not params.features.model_fields_set:
        own = {key: settings.pop(key) for key in [*settings] if key.startswith("features.")}
        recipe = {key.partition(".")[2]: value for key, value in own.items()}
        settings["features"] = FeaturesParams().model_dump() | recipe
    settings |= dict.fromkeys(list_idle_keys(contract), ABSENT)
    content = read_yaml(project.params_file, project.name(project.params_file))
    rows = table.dropna(subset=[contract.required] if contract.required else [])
    rows = rows.reset_index(drop=True)
    if contract.forecasts:
        return _choose_folds_of_forecast(name, content, contract, rows, settings)
    usual = _preview(content, settings)
    seed = choose_split_seed(rows, contract, usual)
    if seed != usual.split.seed:
        settings["split.seed"] = seed
    # Few groups may allow fewer folds only.
    for folds in FOLDS:
        trial = settings | ({"train.folds": folds} if settings["train.folds"] else {})
        try:
            trial_params = _preview(content, trial)
            train, _ = split_rows(rows, contract, trial_params)
            if contract.is_supervised and (
                missing_classes := sorted({*contract.classes} - {*train[contract.target]})
            ):
                raise UserError(f"class {missing_classes[0]!r} has no row to learn from")
            make_folds(train, contract, trial_params)
        except UserError as error:
            reason = error
        else:
            return trial
    if contract.classes and contract.is_supervised:
        where = " of the sample" if understanding.is_sample else ""
        distinct = rows.drop_duplicates([*contract.features, contract.target])
        counts, kinds = (table[contract.target].value_counts() for table in (rows, distinct))
        rarest: Any = kinds.idxmin()
        if kinds[rarest] < counts[rarest]:
            raise UserError(
                f"{name}: target {contract.target!r}: the features tell only {kinds[rarest]} kinds "
                f"apart of {counts[rarest]} rows{where} that are {rarest!r}, and rows of a kind "
                "stay on one side of the split: too few to learn and to test; add columns"
            )
        raise UserError(
            f"{name}: target {contract.target!r}: {counts[rarest]} of {len(rows)} rows{where} are "
            f"{rarest!r}, too few to learn and to test; merge it with another class, or "
            "take these rows out"
        )
    raise UserError(f"{name}: too few rows to learn and to test: {reason}")


def _choose_folds_of_forecast(
    name: str,
    content: dict[str, Any],
    contract: Contract,
    table: pd.DataFrame,
    settings: dict[str, Any],
) -> dict[str, Any]:
    """The settings with as many folds, up to those suggested, as the times of the series allow."""
    rows, of_examples = _draw_series(table, contract), frame_contract(contract)
    for folds in (folds for folds in FOLDS if folds <= settings["train.folds"]):
        trial = settings | {"train.folds": folds}
        try:
            params = _preview(content, trial)
            examples = pd.concat(make_examples([rows], contract, params), ignore_index=True)
            make_folds(split_rows(examples, of_examples, params)[0], of_examples, params)
        except UserError as error:
            reason = error
        else:
            return trial
    times, horizon = table[contract.time or contract.target], contract.horizon or 1
    longest = times[table[contract.target].notna()].nunique()
    if longest < FEW_HORIZONS * horizon:
        advice = f"; try `--horizon {longest // FEW_HORIZONS}`" if longest >= FEW_HORIZONS else ""
        raise UserError(
            f"{name}: --horizon: {longest} times are too few to learn to forecast {horizon} steps "
            f"and to test it{advice}"
        )
    raise UserError(f"{name}: too few times to learn to forecast and to test it: {reason}")


def _draw_series(table: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """The rows of the longest series, so many that their examples are soon made."""
    assert contract.horizon is not None
    if contract.series is None:
        return table
    counts = table[contract.series].value_counts()
    few = max(1, int((counts.cumsum() * contract.horizon <= MOST_EXAMPLES_TRIED).sum()))
    is_drawn = table[contract.series].isin(counts.index[:few])
    return table[is_drawn.to_numpy()].reset_index(drop=True)


def _preview(content: dict[str, Any], settings: dict[str, Any]) -> Params:
    """What params.yaml will say, of which this is the content now."""
    return Params.model_validate(change_values(content, settings))


def _adopt(
    project: Project,
    staging: Path,
    source: Source,
    contract: Contract,
    split: str,
    params_text: str,
    removals: Sequence[Path],
    is_in_git: bool,
) -> None:
    """Lay out the new state beside the old one, then swap them."""
    name = source.path.name
    place = project.raw / name
    if source.path.parent != staging:
        for file in list_files(source.path):
            target = staging / name / file.relative_to(source.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
    staged = [name]
    if not is_in_git:
        if not source.is_tracked:
            swap.track(project, staging, "add", "--", name)
        staged.append(pointer(place).name)
    lines = [
        f"use: {project.name(path)} is no longer used, and removed{describe_cache(path)}"
        for path in removals
    ]
    starters = find_missing_starters(project, contract)
    idle = find_idle_starters(project, contract)
    swap.commit(
        project,
        staged,
        starters
        | {
            project.raw / ".gitignore": swap.edit_gitignore(
                project, [] if is_in_git else [place], [place, *removals]
            ),
            project.contract_file: format_contract(contract, split),
            project.params_file: params_text,
        },
        [each.name for path in removals for each in (path, pointer(path))],
        [path.name for path in idle],
    )
    keeper = "git" if is_in_git else "DVC"
    print(
        f"use: {project.name(place)} (kept by {keeper}), references/schema.yaml, "
        f"{project.name(project.params_file)}"
    )
    for path in starters:
        print(f"use: {project.name(path)}: candidates for such data, to change as you like")
    for path in idle:
        print(f"use: {project.name(path)}: for other data and as it came, so removed")
    notes = [f"use: {note}" for note in source.notes]
    for line in [*notes, *lines]:
        print(line)
