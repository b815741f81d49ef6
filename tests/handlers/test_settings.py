"""What can be set is read from the environment and one file; whatever is wrong with it is said at once, with its place and the remedy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docs.make_charts import settings as page
from handlers.settings import Entry, SettingError, Settings, table, written
from handlers.settings_sources import exposed
from tests.test_bot import run

NEEDED = {"TELEGRAM_TOKEN": "1:x", "TELEGRAM_SECRET": "a-secret_of-ours"}
USUAL = [
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "SHELL",
    "PWD",
    "OLDPWD",
    "TERM",
    "LANG",
    "LANGUAGE",
    "LC_ALL",
    "LC_CTYPE",
    "TZ",
    "EDITOR",
    "VISUAL",
    "PAGER",
    "MAIL",
    "HOSTNAME",
    "HOSTTYPE",
    "MACHTYPE",
    "OSTYPE",
    "UID",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XDG_RUNTIME_DIR",
    "XDG_SESSION_ID",
    "XDG_DATA_DIRS",
    "XDG_CONFIG_HOME",
    "SSH_AUTH_SOCK",
    "SSH_CLIENT",
    "SSH_CONNECTION",
    "SSH_TTY",
    "SUDO_USER",
    "SHLVL",
    "_",
    "COLUMNS",
    "LINES",
    "LS_COLORS",
    "HISTSIZE",
    "PS1",
    "TMPDIR",
    "TEMP",
    "TMP",
    "LOGS",
    "LOG_LEVEL",
    "LOGLEVEL",
    "LOGFILE",
    "LOG_DIR",
    "LOG_FORMAT",
    "LOGIN",
    "DEBUG",
    "VERBOSE",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "host",
    "port",
    "log",
    "store",
    "hosts",
    "PORTS",
    "HOST_IP",
    "HOST_PORT",
    "HOST_NAME",
    "POST",
    "PORT_HTTP",
    "HTTP_PORT",
    "STORAGE",
    "STORES",
    "STORE_DIR",
    "RESTORE",
    "APP_PORT",
    "SERVER_PORT",
    "SERVER_NAME",
    "BIND",
    "ADDR",
    "ADDRESS",
    "URL",
    "BASE_URL",
    "PUBLIC_IP",
    "PUBLIC_HOST",
    "PUBLIC_KEY",
    "PUBLIC_DIR",
    "PUBLIC_PATH",
    "DATABASE",
    "DATABASE_HOST",
    "DATABASE_PORT",
    "DATABASE_USER",
    "DATABASE_PASSWORD",
    "DATABASE_NAME",
    "DB_URL",
    "PGHOST",
    "PGPORT",
    "PGUSER",
    "PGPASSWORD",
    "PGDATABASE",
    "PGDATA",
    "POSTGRES_USER",
    "POSTGRES_DB",
    "POSTGRES_PASSWORD",
    "REDIS_URL",
    "MONGO_URL",
    "RABBITMQ_URL",
    "SQLALCHEMY_DATABASE_URI",
    "DJANGO_SETTINGS_MODULE",
    "TELEGRAM_API_ID",
    "TELEGRAM_API_HASH",
    "TELEGRAM_CHAT_ID",
    "TELEGRAM_LOCAL_STAT",
    "METRICS_PORT",
    "METRICS_PATH",
    "METRICS_ENABLED",
    "ADMIN",
    "ADMIN_USER",
    "ADMIN_EMAIL",
    "ADMIN_PASSWORD",
    "SECRET_KEY",
    "SECRET",
    "TOKEN",
    "API_KEY",
    "API_TOKEN",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "CI",
    "CI_COMMIT_SHA",
    "JOB_NAME",
    "BUILD_ID",
    "RUNNER_TEMP",
    "KUBERNETES_PORT",
    "KUBERNETES_SERVICE_HOST",
    "KUBERNETES_SERVICE_PORT",
    "KUBERNETES_PORT_443_TCP",
    "DATABASE_SERVICE_HOST",
    "WORKER_PORT",
    "WORKER_PORT_8000_TCP",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "NOTIFY_SOCKET",
    "WATCHDOG_USEC",
    "WATCHDOG_PID",
    "LISTEN_FDS",
    "LISTEN_PID",
    "MAINPID",
    "STATE_DIRECTORY",
    "RUNTIME_DIRECTORY",
    "CREDENTIALS_DIRECTORY",
    "PYTHONPATH",
    "PYTHONUNBUFFERED",
    "PYTHONUTF8",
    "PYTHONDONTWRITEBYTECODE",
    "VIRTUAL_ENV",
    "CONDA_PREFIX",
    "PIP_INDEX_URL",
    "PIP_REQUIRE_VIRTUALENV",
    "NODE_ENV",
    "JAVA_HOME",
    "WEB_CONCURRENCY",
    "GUNICORN_CMD_ARGS",
    "UVICORN_PORT",
    "FORWARDED_ALLOW_IPS",
    "SENTRY_DSN",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "MALLOC_ARENA_MAX",
    "OMP_NUM_THREADS",
    "DATA",
    "DATA_DIR",
    "DATA_PATH",
    "KEY",
    "KEYS",
    "KEEP",
    "KNOWN_HOSTS",
    "HOSTALIASES",
    "SETTINGS_DIR",
    "SETTLE",
    "CONTAINER_NAME",
    "container",
    "TEST_DATABASE_URL",
]


def refused(env: dict[str, str], file: Path | None = None) -> str:
    with pytest.raises(SettingError) as error:
        Settings.read(env, file)
    return str(error.value)


@pytest.mark.parametrize("entry", table(), ids=lambda e: e.name)
def test_the_example_of_each_setting_is_taken_and_its_default_is_what_it_says(entry: Entry) -> None:
    if entry.example.startswith("（"):  # what opens a door is drawn anew everywhere, and its example opens none
        assert entry.example.removeprefix("（") in refused({entry.name: entry.example})
        return
    read = Settings.read({**NEEDED, entry.name: entry.example})
    shown = {name: (value, where) for name, value, where in read.in_force()}
    assert shown[entry.name][1] == "环境变量"
    assert entry.hide or shown[entry.name][0] == written(entry.read(entry.example))
    assert {name: value for name, value, _ in Settings.read({}).in_force()}[entry.name] == written(entry.default)
    assert re.search("[一-鿿]", entry.zh) and not re.search("[一-鿿]", entry.en)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "many"),
        ("PORT", "0"),
        ("PORT", "70000"),
        ("PORT", "８０００"),
        ("TELEGRAM_TOKEN", "abc"),
        ("TELEGRAM_WEBHOOK", "http://x"),
        ("TELEGRAM_WEBHOOK", "https://x"),
        ("ADMIN_CHAT", "someone"),
        ("ADMIN_CHAT", "42"),
        ("DATABASE_URL", "mysql://u:secret@h/x"),
        ("LOG", "xml"),
        ("TRUSTED_PROXIES", "*"),
        ("TRUSTED_PROXIES", "127.0.0.1, proxy.example.cn"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("LIMITS", "no"),
        ("HOSTS", "https://yqt.example.cn"),
        ("HOSTS", "yqt.example.cn,yqt.example.cn:8000"),
        ("HOSTS", "yqt.example.cn/chat"),
        ("METRICS_TOKEN", "secret"),
        ("METRICS_TOKEN", "secret with a space in it"),
        ("TELEGRAM_SECRET", "secret-of-15-ch"),
        ("PUBLIC_URL", "yqt.example.cn"),
        ("PUBLIC_URL", "https://localhost:8000"),
        ("PUBLIC_URL", "https://yqt.example.cn/chat"),
        ("PUBLIC_URL", "https://yqt.example.cn:port"),
        ("PUBLIC_URL", "https://yqt.example .cn"),
        ("PUBLIC_URL", "htps://yqt.example.cn"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_what_to_write(name: str, value: str) -> None:
    said = refused({name: value})
    assert name in said
    assert "fix: " in said
    assert "secret" not in said


def test_what_is_too_short_to_be_a_secret_takes_no_words_out_of_the_log() -> None:
    read = Settings.read({**NEEDED, "DATABASE_URL": "postgresql://u:long-password@h/d"})
    assert read.secrets == ("postgresql://u:long-password@h/d", NEEDED["TELEGRAM_SECRET"])


def test_an_address_for_people_is_taken_without_its_slash() -> None:
    for text in ("https://yqt.example.cn", "https://yqt.example.cn/", "http://192.0.2.7:8000"):
        assert Settings.read({"PUBLIC_URL": text}).public_url == text.rstrip("/")
    assert Settings.read({}).public_url is None


def test_everything_that_is_wrong_is_said_at_once_and_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / "s.env").write_text("PORT=many\nTELEGRAM_TOKN=1:x\nHOST=a\nHOST=b\n", encoding="utf-8")
    _, err = run("--settings", str(tmp_path / "s.env"), "serve", expect=2, LOG="xml", DATABSE_URL="postgresql://h/x")
    assert f"{tmp_path}/s.env:1: PORT 是“many”" in err
    assert f"{tmp_path}/s.env:2: 不认识 TELEGRAM_TOKN\nfix: 您是不是想写 TELEGRAM_TOKEN？" in err
    assert f"{tmp_path}/s.env:4: HOST 写了两次：第 3 行和第 4 行" in err
    assert "环境变量: LOG 是“xml”" in err
    assert "环境变量: 不认识 DATABSE_URL\nfix: 您是不是想写 DATABASE_URL？" in err


# --- misspelt in the environment


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("TELEGRAM_TOKN", "TELEGRAM_TOKEN"),
        ("TELEGRAM_BOT_TOKEN", "TELEGRAM_TOKEN"),
        ("telegram_token", "TELEGRAM_TOKEN"),
        ("TELEGRAM-TOKEN", "TELEGRAM_TOKEN"),
        ("TELGRAM_WEBHOK", "TELEGRAM_WEBHOOK"),
        ("DATABSE_URL", "DATABASE_URL"),
        ("DATABASE_URI", "DATABASE_URL"),
        ("PROT", "PORT"),
        ("HSOT", "HOST"),
        ("PUBLIC_ULR", "PUBLIC_URL"),
        ("METRIC_TOKEN", "METRICS_TOKEN"),
        ("KNOWLEGDE", "KNOWLEDGE"),
        ("ADMIN_CHATS", "ADMIN_CHAT"),
        ("SETINGS", "SETTINGS"),
    ],
)
def test_a_misspelt_name_in_the_environment_is_refused_with_what_was_meant(name: str, meant: str) -> None:
    assert f"您是不是想写 {meant}？" in refused({name: "x"})


def test_what_others_put_into_the_environment_is_left_alone() -> None:
    assert Settings.read(dict.fromkeys(USUAL, "1")) == Settings.read({})


def test_a_name_like_one_that_is_set_belongs_to_somebody_else() -> None:
    Settings.read({"TELEGRAM_TOKEN": "1:x", "TELEGRAM_TOKENS": "1", "TELEGRAM_BOT_TOKEN": "2:x"})
    assert Settings.read({"DATABASE_URI": ""}).database is None


# --- the file


def test_the_environment_wins_and_what_is_empty_is_not_set(tmp_path: Path) -> None:
    file = tmp_path / "s.env"
    file.write_text('\ufeff# 端口\n; und\n\n PORT = 8001\nHOST=\nLOG=\'json\'\r\nOPERATOR="a # \\"b\\" \\\\ \\$c"\n', encoding="utf-8")
    read = Settings.read({"PORT": "8002", "LOG": "", "SETTINGS": str(file)})
    assert (read.port, read.host, read.log, read.operator) == (8002, "127.0.0.1", "json", 'a # "b" \\ $c')
    where = {name: place for name, _, place in read.in_force()}
    assert (where["PORT"], where["LOG"], where["HOST"]) == ("环境变量", f"{file}:6", "默认")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("PORT", "没有等号"),
        ("export PORT=1", "写成 PORT=…"),
        ("PO RT=1", "不能作名称"),
        ("=1", "不能作名称"),
        ("PORT=8000 # web", "看不出是不是注释"),
        ('LOG="json', "引号没有合上"),
        ('LOG="json" # x', "引号没有合上"),
        ("LOG='js'on'", "单引号里面"),
        ('LOG="js"on"', "双引号里面"),
        ('LOG="json\\"', "双引号里面"),
        ("LOG=js\\on", "整个值放在一对引号里"),
        ("# comment \\", "下一行会被当成注释"),
        ("WEATHER=good", "docs/settings.md"),
        ("telegram_token=1:x", "TELEGRAM_TOKEN"),
        ("SETTINGS=x", "不认识 SETTINGS"),
    ],
)
def test_a_line_that_cannot_be_read_is_refused_with_its_number(line: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "s.env").write_text(f"HOST=x\n{line}\n", encoding="utf-8")
    told = refused({}, tmp_path / "s.env")
    assert told.startswith(f"{tmp_path}/s.env:2: ")
    assert said in told
    assert "\nfix: " in told


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    assert "没有这个设置文件" in refused({}, tmp_path / "none")
    assert "读不了设置文件" in refused({"SETTINGS": str(tmp_path)})
    (tmp_path / "s.env").write_bytes("LOG=文".encode("gbk"))
    assert "不是 UTF-8" in refused({}, tmp_path / "s.env")


@given(st.text())
def test_no_file_makes_the_reader_stumble(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    file = tmp_path_factory.getbasetemp() / "any.env"
    file.write_text(text, encoding="utf-8", errors="replace")
    problems: tuple[object, ...] = ()
    try:
        Settings.read({}, file)
    except SettingError as error:
        problems = error.problems
    assert all(str(problem).startswith(str(file)) and "\nfix: " in str(problem) for problem in problems)


def test_secrets_are_never_shown_and_a_file_that_all_can_read_is_warned_about(tmp_path: Path) -> None:
    file = tmp_path / "s.env"
    file.write_text("TELEGRAM_TOKEN=1:hidden\nDATABASE_URL=postgresql://u:hidden@h:5/d?sslpassword=hidden&x=1\n", encoding="utf-8")
    file.chmod(0o644)
    out, _ = run("--settings", str(file), "settings", METRICS_TOKEN="hidden-from-everybody")
    assert "hidden" not in out
    assert f"postgresql://u:***@h:5/d?sslpassword=***&x=1    {file}:2" in out
    assert exposed(file)
    assert [fix for _, fix in Settings.read({}, file).warnings()] == [f"chmod o-rwx {file}"]
    file.chmod(0o640)
    assert not list(Settings.read({}, file).warnings())
    file.write_text("PORT=8001\n", encoding="utf-8")
    file.chmod(0o644)
    assert not list(Settings.read({}, file).warnings()), "there is nothing to hide in it"


def test_the_file_in_the_docs_can_be_used(tmp_path: Path) -> None:
    (tmp_path / "s.env").write_text(re.findall(r"```sh\n(.*?)```", page(), re.DOTALL)[-1], encoding="utf-8")
    assert Settings.read({}, tmp_path / "s.env").log == "json"
