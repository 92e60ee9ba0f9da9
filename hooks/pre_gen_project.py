"""Refuse answers that cannot make a working project, before a file is written."""

import json
import keyword
import re
import shutil
import subprocess
import sys
from pathlib import Path
from unicodedata import bidirectional, category

if sys.version_info < (3, 11):  # noqa: UP036 - an older one is told, not met with a crash
    sys.exit(
        f"error: cookiecutter runs on Python {sys.version.split()[0]}; 3.11 or later is needed"
    )

ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")

# What an environment of the project holds, as distributions and as modules: a project of the same
# name cannot be installed, or one of the two cannot be imported.
TAKEN = """
    a11y_pygments absl absl_py accessible_pygments aiobotocore aiohappyeyeballs aiohttp
    aiohttp_retry aioitertools aiosignal alabaster alembic amqp annotated_doc annotated_types antlr4
    antlr4_python3_runtime anyio appdirs appnope argon2 argon2_cffi argon2_cffi_bindings arrow
    ast_serialize asttokens astunparse async_lru asyncssh atpublic attr attrs babel bcrypt
    beautifulsoup4 billiard bleach botocore bs4 cachetools celery certifi cffi cfgv
    charset_normalizer clang click click_didyoumean click_plugins click_repl cloudpickle colorama
    colorlog comm configobj conftest contourpy cryptography cuda_bindings cuda_pathfinder
    cuda_toolkit cycler dask databricks databricks_sdk dateutil debugpy defusedxml detect_secrets
    dictdiffer diskcache distlib distributed distro docutils dotenv dpath duckdb dulwich dvc
    dvc_data dvc_http dvc_objects dvc_render dvc_s3 dvc_ssh dvc_studio_client dvc_task entrypoints
    et_xmlfile execnet executing fastapi fastjsonschema filelock flatbuffers flatten_dict flufl
    flufl_lock fonttools fqdn frozenlist fsspec functorch funcy furo gast git gitdb gitpython google
    google_auth google_pasta grandalf greenlet grpc grpcio gto h11 h5py hatchling httpcore httptools
    httpx hydra hydra_core hypothesis identify idna imagesize importlib_metadata iniconfig ipykernel
    ipykernel_launcher ipython ipython_pygments_lexers isoduration isympy iterative_telemetry jax
    jaxlib jedi jinja2 jmespath joblib json5 jsonpointer jsonpointer_stubs jsonschema
    jsonschema_specifications jupyter jupyter_builder jupyter_cache jupyter_client jupyter_core
    jupyter_events jupyter_lsp jupyter_server jupyter_server_terminals jupyterlab
    jupyterlab_pygments jupyterlab_server keras kiwisolver kombu lark lazy_importer libclang librt
    locket lockstep lockstep_core mako markdown markdown_it markdown_it_py markupsafe matplotlib
    matplotlib_inline mdit_py_plugins mdurl mistune ml_dtypes mlflow mlflow_skinny mpl_toolkits
    mpmath msgpack multidict mypy mypy_extensions mypyc myst_nb myst_parser namex narwhals nbclient
    nbconvert nbformat nbstripout nest_asyncio2 networkx nodeenv notebook notebook_shim numpy nvidia
    omegaconf openpyxl opentelemetry opentelemetry_api opentelemetry_proto opentelemetry_sdk
    opentelemetry_semantic_conventions opt_einsum optree optuna orjson overrides packaging pandas
    pandas_stubs pandocfilters parso partd pasta pathspec pexpect pil pillow pip platformdirs pluggy
    pre_commit pre_commit_hooks prometheus_client prompt_toolkit propcache protobuf psutil psycopg
    psycopg_binary ptyprocess public pure_eval py pyarrow pyasn1 pyasn1_modules pycparser pydantic
    pydantic_core pydantic_settings pydevd_plugins pydot pygit2 pygments pygtrie pylab pyparsing
    pytest pytest_xdist python python_dateutil python_discovery python_dotenv python_json_logger
    pythonjsonlogger pywin32 pywinpty pyyaml pyzmq referencing requests rfc3339_validator
    rfc3986_validator rfc3987_syntax rich roman_numerals rpds rpds_py ruamel ruamel_yaml
    ruamel_yaml_clib ruff s3fs scikit_learn scipy scmrepo semver send2trash setuptools shortuuid
    shtab six sklearn smmap snowballstemmer sortedcontainers soupsieve sphinx sphinx_basic_ng
    sphinxcontrib sphinxcontrib_applehelp sphinxcontrib_devhelp sphinxcontrib_htmlhelp
    sphinxcontrib_jsmath sphinxcontrib_qthelp sphinxcontrib_serializinghtml sqlalchemy sqlparse
    sqltrie sshfs stack_data starlette sympy tabulate tblib tensorboard tensorboard_data_server
    tensorflow termcolor terminado test tests threadpoolctl tinycss2 tomlkit toolz torch torchgen
    tornado tqdm traitlets triton typeguard typing_extensions typing_inspect typing_inspection
    tzdata tzlocal uri_template urllib3 uv uvicorn uvloop validate vine virtualenv voluptuous
    wcwidth webcolors webencodings websocket websocket_client werkzeug wheel winpty wrapt xdist yaml
    yarl zc zc_lockfile zict zipp zmq
""".split()
# The project's own command would stand in for these, which it calls.
PROGRAMS = """
    activate check-added-large-files check-merge-conflict check-toml check-yaml detect-secrets-hook
    python3 pythonw sphinx-build
""".split()
# A project may run on 3.11, whose standard library has these too.
GONE_SINCE_3_11 = """
    aifc asynchat asyncore audioop cgi cgitb chunk crypt distutils imghdr imp lib2to3 mailcap msilib
    nis nntplib ossaudiodev pipes smtpd sndhdr spwd sunau telnetlib uu xdrlib
""".split()
AT_THE_ROOT = "data docs models notebooks references reports src tests vendor".split()
SAMPLES = {
    "iris": "iris.csv",
    "diabetes": "diabetes.csv",
    "digits": "digits.zip",
    "flights": "flights.csv",
    "vowels": "vowels.csv",
    "phrases": "phrases.csv",
    "weather": "weather.csv",
    "visits": "visits.csv",
    "storms": "storms.csv",
    "paintings": "paintings.csv",
    "wines": "wines.csv",
}
PORTS = [f"{port}{number}" for port in ("com", "lpt") for number in range(10)]
WINDOWS_DEVICES = ["aux", "con", "nul", "prn", *PORTS]
# Ends of lines, controls and halves of characters; what turns the direction of the text after it.
UNFIT = {"Cc", "Cs", "Zl", "Zp"}
TURNS = {"FSI", "LRE", "LRI", "LRO", "PDF", "PDI", "RLE", "RLI", "RLO"}
FREE_TEXTS = ["project_name", "description", "author_name"]


def slug_mistake(slug):
    """Why `slug` cannot name the folder, the distribution and the command; None if it can."""
    if not re.fullmatch(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*", slug):
        return (
            "use lower-case letters, digits and single hyphens or underscores, a letter first, "
            "such as my-project"
        )
    if len(slug) > 60:
        return "use at most 60 characters"
    if slug in WINDOWS_DEVICES:
        return "Windows keeps this name for a device; use another"
    if slug.replace("-", "_") in TAKEN:
        return "a package that the project installs has this name; use another"
    if slug in PROGRAMS:
        return "a program that the project calls has this name; use another"
    return None


def package_mistake(package):
    """Why `package` cannot name the Python package; None if it can."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", package):
        return (
            "use lower-case letters, digits and single underscores, a letter first, "
            "such as my_project"
        )
    if len(package) > 40:
        return "use at most 40 characters"
    if keyword.iskeyword(package) or keyword.issoftkeyword(package):
        return "this is a word of the Python language; use another"
    if package in sys.stdlib_module_names or package in GONE_SINCE_3_11:
        return "Python's standard library has a module of this name; use another"
    if package.startswith("test_"):
        return "pytest would take it for a test; use another"
    if package in TAKEN or package in AT_THE_ROOT or package in WINDOWS_DEVICES:
        return "something else that the project needs has this name; use another"
    return None


def text_mistake(text):
    """Why `text` cannot stand in the files that show it; None if it can."""
    if any(category(one) in UNFIT or bidirectional(one) in TURNS for one in text):
        return "line breaks and control characters are not allowed; keep it on one line"
    if not any(one.isprintable() and not one.isspace() for one in text):
        return "it must not be empty"
    return None


def email_mistake(email):
    """Why `email` cannot stand in the package's metadata; None if it can."""
    local, domain = r"[\w!#$%&'*+/=?^`{|}~-]+", r"[A-Za-z0-9-]+"
    if not re.fullmatch(rf"{local}(\.{local})*@{domain}(\.{domain})*", email, flags=re.ASCII):
        return "write it as name@example.com, in ASCII"
    return None


def ask_git(*arguments):
    """What git says; None if it cannot, or says no."""
    if shutil.which("git") is None:
        return None
    done = subprocess.run(["git", *arguments], capture_output=True)
    return done.stdout if done.returncode == 0 else None


def unsaved():
    """Why nothing may be generated over what is in this folder; None if it may."""
    if not any(Path().iterdir()):
        return None
    changes = ask_git("status", "--porcelain", "--untracked-files=all", "--", ".")
    # A folder within a repository that ignores it is in no repository.
    if changes != b"" or ask_git("check-ignore", "--quiet", ".") is not None:
        return "this folder holds what git does not keep and would be lost; commit it first"
    sample = Path("data", "raw", SAMPLES.get(ANSWERS["dataset"], "none"))
    # DVC keeps data of one's own, and hides them from git.
    if sample.exists() and ask_git("check-ignore", "--quiet", str(sample)) is not None:
        return f"{sample.as_posix()} is your own and would be lost; choose another data set"
    return None


def mistakes():
    """A line per answer that must change."""
    checks = {
        "project_slug": slug_mistake,
        "package_name": package_mistake,
        "author_email": email_mistake,
    }
    checks.update(dict.fromkeys(FREE_TEXTS, text_mistake))
    for question, check in checks.items():
        advice = check(ANSWERS[question])
        if advice:
            yield f"{question}: {ANSWERS[question]!a} will not do: {advice}"
    reason = unsaved()
    if reason:
        yield f"{ANSWERS['project_slug']}: {reason}"


found = list(mistakes())
for line in found:
    print(f"error: {line}", file=sys.stderr)
sys.exit(bool(found))
