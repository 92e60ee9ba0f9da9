"""The registry: versions, stages and the way back, kept as tags that others can read and write."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from lockstep.commands.cli import main
from lockstep.core.errors import UserError
from lockstep.registry import register as registration
from lockstep.registry.models import print_models
from lockstep.registry.names import find_revision
from lockstep.registry.register import register
from lockstep.registry.stages import assign
from lockstep.registry.tags import write_tag
from made_up_runs import History
from made_up_versions import (
    commit_other_model,
    find_present,
    list_tags,
    make_history,
    put,
    read_versions,
)

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture(autouse=True)
def _agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    """The records are made up: no commit holds what they tell."""
    monkeypatch.setattr(registration, "find_disagreements", lambda *_: [])


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    return make_history(tmp_path, monkeypatch)


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Runs a command; gives its exit status and what it prints."""

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main(arguments)
        return status, *capsys.readouterr()

    return run


def test_the_first_version_is_v1_and_says_what_to_do_next(history: History, say: Say) -> None:
    status, out, _ = say("register")
    assert status == 0
    first, second = out.splitlines()
    short = history.git("rev-parse", "HEAD")[:8]
    assert first == f"register: {short} is v1.0.0, the first version; tag champion@v1.0.0"
    assert "promote v1.0.0 --to STAGE" in second
    assert list_tags(history) == ["champion@v1.0.0"]
    assert history.git("cat-file", "-t", "champion@v1.0.0") == "tag"


@pytest.mark.parametrize(
    ("changes", "contract", "number", "reason"),
    [
        ({"validation": {"accuracy": 0.8}}, "", "v1.0.1", "a patch one, since the model is that"),
        ({"model": {"files": {"a": "2"}}}, "", "v1.1.0", "a minor one, since the model is another"),
        (
            {"model": {"files": {"a": "2"}}},
            '"red"',
            "v2.0.0",
            "a major one, since callers of v1.0.0 must change: colour must not be 'red'",
        ),
        ({"model": {"files": {"a": "2"}}}, "[", "v2.0.0", "a major one, since v1.0.0 cannot"),
    ],
)
def test_a_number_tells_what_callers_must_change(
    history: History, changes: dict, contract: str, number: str, reason: str
) -> None:
    register(None)
    if contract:
        text = history.paths.contract_file.read_text()
        new = text.replace(', "red"', "") if contract == '"red"' else "["
        history.paths.contract_file.write_text(new)
    history.commit("second", **changes)
    register(None)
    assert read_versions(history).versions[-1].name == number
    assert reason in history.git("tag", "--list", "--format=%(subject)", f"champion@{number}")


def test_a_commit_is_registered_by_whatever_names_it(history: History, say: Say) -> None:
    commit_other_model(history, 2)
    history.git("branch", "try", "HEAD~1")
    assert say("register", "try")[0] == 0
    assert read_versions(history).versions[0].commit == history.git("rev-parse", "HEAD~1")
    assert say("register")[1].startswith("register: ")
    assert [version.name for version in read_versions(history).versions] == ["v1.0.0", "v1.1.0"]


def test_a_changed_tree_is_not_what_the_last_commit_is(history: History, say: Say) -> None:
    (history.root / "notes.txt").write_text("new")
    status, _, err = say("register")
    assert status == 1
    assert "commit them first, or name a commit" in err
    assert say("register", "HEAD")[0] == 0


def test_a_commit_or_a_run_has_one_version(history: History, say: Say) -> None:
    register(None)
    assert "is v1.0.0 already" in say("register")[2]
    (history.root / "notes.txt").write_text("new")
    history.commit("notes")
    status, _, err = say("register")
    assert status == 1
    assert "the same run as v1.0.0" in err
    assert list_tags(history) == ["champion@v1.0.0"]


def test_a_record_of_another_commit_is_refused(
    history: History, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = ["params.yaml has another `seed`", "src/owner/train.py is another"]
    monkeypatch.setattr(registration, "find_disagreements", lambda *_: found)
    status, _, err = say("register")
    assert status == 1
    assert "params.yaml has another `seed`, and 1 more; run `dvc repro` and commit" in err
    assert list_tags(history) == []


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (["register", "nowhere"], "nowhere: no such commit, branch or tag"),
        (["register", "workspace"], "commit it with its results"),
        (["register", "HEAD~1"], "no run at this commit"),
        (["promote", "v1.0.0", "--to", "production"], "there are no versions yet"),
        (["promote", "latest", "--to", "production"], "there are no versions yet"),
        (["promote", "latest", "--to", "pro duction"], "a name that no stage can have"),
        (["promote", "latest", "--to", "eu/"], "a name that no stage can have"),
        (["promote", "latest", "--to", "eu//test"], "a name that no stage can have"),
        (["promote", "latest", "--to", "v1.0.0"], "a name that no stage can have"),
        (["promote", "latest", "--to", "latest"], "a name that no stage can have, since it stands"),
        (["promote", "latest", "--to", "workspace"], "a name that no stage can have, since it"),
        (["promote", "latest", "--to", "HEAD"], "a name that no stage can have, since it stands"),
        (["rollback", "production"], "nothing stands in this stage; `promote` makes the first"),
    ],
)
def test_what_is_not_there_is_told_in_a_line(
    history: History, say: Say, command: list[str], complaint: str
) -> None:
    history.paths.record.unlink()
    history.git("commit", "--quiet", "--all", "--message", "no run", "--amend")
    history.run()
    history.commit("a run")
    status, _, err = say(*command)
    assert status == 1
    assert complaint in err
    assert len(err.splitlines()) == 1
    assert list_tags(history) == []


def test_an_unknown_version_or_stage_is_told_with_those_there_are(
    history: History, say: Say
) -> None:
    register(None)
    err = say("promote", "v9.0.0", "--to", "production")[2]
    assert err == "error: v9.0.0: no such version; there are v1.0.0 and latest\n"
    put(history, "v1.0.0", "staging")
    assert "nothing stands in this stage; there are staging" in say("rollback", "production")[2]


@pytest.mark.parametrize("command", [["register"], ["rollback", "production"]])
def test_git_must_know_who_makes_a_tag(history: History, say: Say, command: list[str]) -> None:
    history.git("config", "--unset", "user.name")
    history.git("config", "--unset", "user.email")
    history.git("config", "user.useConfigOnly", "true")
    status, _, err = say(*command)
    assert status == 1
    assert "git does not know who you are" in err
    assert len(err.splitlines()) == 1


def test_a_shallow_clone_decides_nothing(
    history: History, say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(None)
    commit_other_model(history, 2)
    clone = tmp_path / "clone"
    history.git("clone", "--quiet", "--depth=1", history.root.as_uri(), str(clone))
    monkeypatch.chdir(clone)
    for command in (
        ["register"],
        ["rollback", "production"],
        ["promote", "latest", "--to", "production"],
    ):
        status, _, err = say(*command)
        assert status == 1
        assert "git fetch --unshallow --tags" in err
    status, _, err = say("models")
    assert status == 0
    assert "tags may be missing" in err


def test_a_rollback_goes_back_as_often_as_something_stood_there(history: History, say: Say) -> None:
    for digit in (2, 3, 4):
        register(None)
        commit_other_model(history, digit)
    for version in ("v1.0.0", "v1.1.0", "v1.2.0"):
        put(history, version, "production")
    status, out, _ = say("rollback", "production")
    assert status == 0
    assert out == (
        "rollback: v1.1.0 stands in production now, instead of v1.2.0\n"
        "rollback: tag champion#production#4\n"
    )
    assert say("rollback", "production")[0] == 0
    assert find_present(history) == "v1.0.0"
    status, _, err = say("rollback", "production")
    assert status == 1
    assert "nothing stood there before v1.0.0" in err
    put(history, "v1.2.0", "production")
    assert find_present(history) == "v1.2.0"
    say("rollback", "production")
    assert find_present(history) == "v1.0.0"


def test_stages_share_a_counter_and_not_what_stands_there(history: History) -> None:
    register(None)
    put(history, "v1.0.0", "production")
    put(history, "v1.0.0", "eu/test-1")
    assert {"champion#production#1", "champion#eu/test-1#2"} <= {*list_tags(history)}
    assert find_present(history, "eu/test-1") == find_present(history) == "v1.0.0"
    assert find_present(history, "eu") is None


def test_a_later_tag_has_a_later_time_within_the_same_second(history: History) -> None:
    register(None)
    for stage in ("a", "b", "a", "c"):
        put(history, "v1.0.0", stage)
    seconds = [tag.seconds for tag in read_versions(history).tags.events]
    assert seconds == sorted(set(seconds))


def test_who_comes_second_is_told_and_changes_nothing(history: History) -> None:
    register(None)
    commit_other_model(history, 2)
    register(None)
    before = read_versions(history)
    put(history, "v1.0.0", "production")
    commit = before.find_version("v1.1.0").commit
    body = {"action": "promote"}
    with pytest.raises(UserError, match="given this stage to another version meanwhile; run this"):
        assign(history.repository, before, commit, "production", body)
    with pytest.raises(UserError, match="somebody else has made this tag meanwhile; run this"):
        name = "champion#production#1"
        write_tag(history.repository, name, commit, line="Me", body=body, tags=before.tags)
    assert find_present(history) == "v1.0.0"
    assert len(list_tags(history)) == 3


def test_how_to_share_a_tag_is_told_where_there_is_a_remote(history: History, say: Say) -> None:
    history.git("remote", "add", "origin", "https://example.org/fruit.git")
    out = say("register")[1]
    assert "`git push origin champion@v1.0.0` tells others" in out


def test_a_clone_that_promoted_too_is_told_when_it_pushes(history: History, tmp_path: Path) -> None:
    register(None)
    clones = [tmp_path / name for name in ("one", "other")]
    for clone in clones:
        history.git("clone", "--quiet", str(history.root), str(clone))
    name, who = "champion#production#1", ("-c", "user.name=Bo", "-c", "user.email=bo@example.org")
    for clone in clones:
        command = ["git", *who, "tag", "-a", name, "-m", clone.name]
        subprocess.run(command, cwd=clone, check=True)
    one, other = (
        subprocess.run(["git", "push", "origin", name], cwd=clone, capture_output=True)
        for clone in clones
    )
    assert one.returncode == 0
    assert other.returncode != 0
    assert b"already exists" in other.stderr


def test_tags_that_others_wrote_count_or_are_told(
    history: History, say: Say, capsys: pytest.CaptureFixture[str]
) -> None:
    def tag(name: str, *options: str, second: int) -> None:
        date = f"2026-05-01T12:00:{second:02}+00:00"
        history.git("tag", *options, name, "HEAD", GIT_COMMITTER_DATE=date)

    tag("champion@v1.0.0", "--annotate", "--message=Registering artifact", second=1)
    tag("champion#production#1", "--annotate", "--message=by hand\n\n{broken", second=2)
    tag("champion#staging#2", "--annotate", "--message=by hand\n\n[1]", second=3)
    tag("champion@v1.1.0", second=4)
    tag("champion@1.2", "--annotate", "--message=x", second=5)
    tag("championship@v3.0.0", "--annotate", "--message=x", second=6)
    tag("champion@deprecated#3", "--annotate", "--message=x", second=7)
    history.git("tag", "--annotate", "--message=x", "champion@v4.0.0", "HEAD:params.yaml")
    print_models()
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines() if line] == [
        *("version", "v1.0.0", "stage", "production", "staging")
    ]
    assert "champion@v1.1.0: a lightweight tag" in err
    assert "champion@1.2: not a name that GTO gives" in err
    assert "champion@v4.0.0: a tag of a blob" in err
    assert len(err.splitlines()) == 3
    commit_other_model(history, 2)
    status, _, err = say("register")
    assert status == 1
    assert "counts for nothing has this name; `git tag --delete champion@v1.1.0`" in err


def test_a_version_of_a_commit_without_a_run_is_listed_without_figures(
    history: History, say: Say
) -> None:
    history.paths.record.unlink()
    history.commit("no run")
    history.git("tag", "-a", "-m", "x", "champion@v1.0.0")
    status, out, err = say("models")
    assert status == 0
    assert err.startswith("models: v1.0.0: no run at this commit")
    assert out.splitlines()[1].split()[:4] == ["v1.0.0", "-", "-", "-"]
    status, _, err = say("promote", "v1.0.0", "--to", "production")
    assert status == 1
    assert err.startswith("error: v1.0.0: no run at this commit")
    history.run()
    history.commit("a run")
    out = say("register")[1]
    assert "since v1.0.0 cannot be compared: no run at this commit" in out


def test_what_was_taken_back_stands_nowhere_and_its_number_is_not_given_again(
    history: History,
) -> None:
    register(None)
    commit_other_model(history, 2)
    register(None)
    put(history, "v1.0.0", "production")
    put(history, "v1.1.0", "production")
    later = {"GIT_COMMITTER_DATE": "2090-01-01T12:00:00+00:00"}
    history.git("tag", "-a", "-m", "x", "champion@v1.1.0!#3", "champion@v1.1.0^{}", **later)
    registry = read_versions(history)
    assert [version.name for version in registry.versions] == ["v1.0.0"]
    assert find_present(history) == "v1.0.0"
    assert str(registry.last_number) == "v1.1.0"
    assert registry.next_counter == 4
    history.git("tag", "-a", "-m", "x", "champion#production!#4", "champion@v1.0.0^{}", **later)
    assert find_present(history) is None


def test_models_lists_versions_and_stages(history: History, say: Say) -> None:
    assert say("models")[1].startswith("models: there are no versions yet; ")
    register(None)
    commit_other_model(history, 2, metrics={"log_loss": 0.3})
    register(None)
    put(history, "v1.0.0", "production")
    put(history, "v1.1.0", "production")
    put(history, "v1.0.0", "staging")
    lines = say("models")[1].splitlines()
    date = read_versions(history).versions[0].tag.date
    assert " ".join(lines[0].split()) == "version run metric stages registered by signature"
    run = read_versions(history).versions[1].tag.body["record"][:8]
    assert " ".join(lines[1].split()).startswith(
        f"v1.1.0 {run} log_loss 0.3000 (0.2000 to 0.6000) production"
    )
    assert " ".join(lines[2].split()).endswith(f"staging {date} Ada unsigned")
    assert lines[3] == ""
    assert lines[5].split()[:2] == ["production", "v1.1.0"]
    assert lines[5].split()[-3:] == ["Ada", "unsigned", "v1.0.0"]


def test_a_project_in_a_folder_has_tags_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Say
) -> None:
    history = make_history(tmp_path / "top", monkeypatch, "teams/fruit")
    history.git("tag", "-a", "-m", "x", "champion@v7.0.0")
    assert say("register")[0] == 0
    put(history, "v1.0.0", "production")
    assert list_tags(history)[1:] == [
        "teams/fruit=champion#production#1",
        "teams/fruit=champion@v1.0.0",
    ]
    assert find_present(history) == "v1.0.0"


def test_a_folder_that_no_tag_can_name_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, say: Say
) -> None:
    make_history(tmp_path / "top", monkeypatch, "my fruit")
    status, _, err = say("register")
    assert status == 1
    assert "my fruit: the names of tags tell the project's folder" in err


@pytest.fixture
def key(history: History, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key of SSH that git signs tags with, and whose signer is known."""
    folder = tmp_path_factory.mktemp("keys")
    key = folder / "key"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada", "-f", str(key)]
    subprocess.run(command, check=True)
    (folder / "signers").write_text(f"ada@example.org {key.with_suffix('.pub').read_text()}")
    settings = {
        "gpg.format": "ssh",
        "user.signingKey": key.with_suffix(".pub").as_posix(),
        "gpg.ssh.allowedSignersFile": (folder / "signers").as_posix(),
        "tag.gpgSign": "true",
    }
    for name, value in settings.items():
        history.git("config", name, value)
    return key


def list_signatures(say: Say) -> list[str]:
    """Of the versions, then of the stages."""
    lines = [line.split("  ") for line in say("models")[1].splitlines() if " Ada " in line]
    words = ("good", "unsigned", "unknown signer", "bad")
    return [next(word for word in words if word in [*map(str.strip, line)]) for line in lines]


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("setting", ["tag.gpgSign", "tag.forceSignAnnotated"])
def test_tags_are_signed_where_git_is_set_up_so(history: History, say: Say, setting: str) -> None:
    history.git("config", "--unset", "tag.gpgSign")
    history.git("config", setting, "true")
    register(None)
    put(history, "v1.0.0", "production")
    history.git("config", setting, "false")
    put(history, "v1.0.0", "staging")
    assert list_signatures(say) == ["good", "good", "unsigned"]


def test_a_signature_is_told_by_whether_it_holds_and_who_made_it(
    history: History, say: Say, key: Path
) -> None:
    register(None)
    content = history.git("cat-file", "tag", "champion@v1.0.0")
    forged = content.replace('"reason": "the first version"', '"reason": "trust me"')
    assert forged != content
    made = subprocess.run(
        ["git", "hash-object", "-t", "tag", "-w", "--stdin"],
        cwd=history.root,
        input=f"{forged}\n",
        capture_output=True,
        text=True,
        check=True,
    )
    put(history, "v1.0.0", "production")
    history.git("update-ref", "refs/tags/champion@v1.0.0", made.stdout.strip())
    assert list_signatures(say) == ["bad", "good"]
    (key.parent / "signers").write_text("bo@example.org ssh-ed25519 AAAA\n")
    assert list_signatures(say) == ["bad", "unknown signer"]
    history.git("config", "--unset", "gpg.ssh.allowedSignersFile")
    assert list_signatures(say)[1] == "unknown signer"


@pytest.mark.parametrize("way", ["no key", "no program"])
def test_a_tag_that_cannot_be_signed_is_not_made(
    history: History, say: Say, key: Path, way: str
) -> None:
    if way == "no key":
        key.with_suffix(".pub").unlink()
        key.unlink()
    else:
        history.git("config", "gpg.ssh.program", "/no/such/program")
    status, _, err = say("register")
    assert status == 1
    assert err.startswith("error: champion@v1.0.0: ")
    assert len(err.splitlines()) == 1
    assert list_tags(history) == []


@pytest.mark.parametrize("name", ["v1.0.0", "latest", "production"])
def test_versions_and_stages_are_names_of_commits(history: History, name: str) -> None:
    register(None)
    put(history, "v1.0.0", "production")
    assert find_revision(name) == history.git("rev-parse", "HEAD")


@pytest.mark.parametrize("name", ["workspace", "HEAD", "main", "v9.0.0"])
def test_other_names_stay(history: History, name: str) -> None:
    register(None)
    put(history, "v1.0.0", "production")
    put(history, "v1.0.0", "workspace")
    put(history, "v1.0.0", "HEAD")
    commit_other_model(history, 2)
    assert find_revision(name) == name


@pytest.mark.parametrize("name", ["v1.0.0", "latest", "production"])
def test_what_git_calls_so_too_is_told_and_not_taken(
    history: History, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    register(None)
    put(history, "v1.0.0", "production")
    commit = history.git("rev-parse", "HEAD")
    history.git("tag", name)
    assert find_revision(name) == commit
    assert not capsys.readouterr().err
    other = commit_other_model(history, 2)
    history.git("tag", "--force", name)
    assert find_revision(name) == commit
    err = capsys.readouterr().err
    assert err == (
        f"{name}: commit {commit[:8]}, as the registry has it; "
        f"git has a branch or tag of this name at {other[:8]}\n"
    )


def test_a_folder_that_no_tag_can_name_has_names_of_git_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_history(tmp_path / "top", monkeypatch, "my fruit")
    assert find_revision("main") == "main"
