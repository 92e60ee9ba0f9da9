"""Whether the record that a commit holds is that of the commit's own code, settings and results."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ..core.inputs import make_filter
from ..core.records import NO_INPUTS, digest_source, digest_sources
from .repository import Repository
from .run import RECORD, Run


def find_disagreements(repository: Repository, run: Run) -> list[str]:
    """What a commit holds otherwise than its record tells, a few words for each thing.

    There is some where something was edited and committed without running the pipeline. That the
    results follow from the rest is not known by this: `verify` proves it.

    Args:
        repository: Where the commit is.
        run: That of a commit.
    """
    assert run.commit is not None
    return [*_Commit(repository, run.commit.sha).find_disagreements(run.record)]


class _Commit:
    def __init__(self, repository: Repository, sha: str) -> None:
        self.repository, self.sha = repository, sha

    def read(self, name: str) -> bytes:
        return self.repository.read(self.sha, name) or b""

    def read_yaml(self, name: str) -> dict[str, Any]:
        try:
            content = YAML(typ="safe", pure=True).load(self.read(name))
        except YAMLError:
            content = None
        return content if isinstance(content, dict) else {}

    def find_disagreements(self, record: dict[str, Any]) -> Iterator[str]:
        stages = self.read_yaml("dvc.lock").get("stages", {})
        outputs = [out for stage in stages.values() for out in stage.get("outs", [])]
        digests = {out["path"]: out.get("md5") for out in outputs}
        if digests.get(RECORD) != hashlib.md5(self.read(RECORD)).hexdigest():
            yield f"dvc.lock is not of the run that wrote {RECORD}"
        yield from self.compare_parameters(record["parameters"])
        yield from self.compare_sources(record["contract"])
        code = {name: one for sources in record["code"].values() for name, one in sources.items()}
        yield from self.compare_sources(code)
        yield from self.compare_outputs(record["outputs"])

    def compare_parameters(self, before: Mapping[str, Any]) -> Iterator[str]:
        # As JSON, since YAML has more types, and the record has been through it.
        after = json.loads(json.dumps(self.read_yaml("params.yaml"), default=str))
        for key in {**before, **after}:
            if key not in NO_INPUTS and before.get(key) != after.get(key):
                yield f"params.yaml has another `{key}`"

    def compare_sources(self, digests: Mapping[str, str]) -> Iterator[str]:
        is_watched = make_filter(self.read(".dvcignore").decode("utf-8", "replace"))
        for name, digest in digests.items():
            files = self.repository.list_files(self.sha, name)
            contents = self.repository.read_objects([*files.values()])
            now = {
                file: content
                for file, content in zip(files, contents, strict=True)
                if content is not None and is_watched(file)
            }
            if digest != (digest_source(now[""]) if "" in now else digest_sources(now)):
                yield f"{name} is another"

    def compare_outputs(self, digests: Mapping[str, str]) -> Iterator[str]:
        """Those that git keeps; the others are DVC's."""
        contents = self.repository.read_many([(self.sha, name) for name in digests])
        for (name, digest), content in zip(digests.items(), contents, strict=True):
            if content is not None and hashlib.sha256(content).hexdigest() != digest:
                yield f"{name} is another"
