"""Reading the environment."""

from pathlib import Path

import pytest

from ai_service.config.settings import Settings
from ai_service.errors import ConfigurationError
from tests.contract.certificates import Authority


def mistakes(**environ: str) -> list[str]:
    """Return the mistakes in an environment."""
    with pytest.raises(ConfigurationError) as caught:
        Settings.from_env(environ)
    return caught.value.mistakes


def test_an_empty_environment_runs_on_a_laptop() -> None:
    """Nothing has to be installed or set."""
    settings = Settings.from_env({"PATH": "/bin"})
    assert (settings.provider, settings.fallbacks) == ("ollama", ("openai",))
    assert settings.ollama_host == "http://127.0.0.1:11434"
    assert settings.redis_url == ""
    assert (settings.recipe_ttl, settings.ingredients_ttl, settings.nutrition_ttl) == (7200, 21600, 43200)


def test_a_deadline_that_is_shorter_than_a_silence_within_it_is_a_mistake() -> None:
    """A silent provider could never be skipped in time; equal is the least that makes sense."""
    assert mistakes(ALCHEMORSEL_DEADLINE="29s", ALCHEMORSEL_PORT="x") == [
        "ALCHEMORSEL_PORT='x': expected a whole number from 0 to 65535",
        "ALCHEMORSEL_DEADLINE: expected at least the 30 s of ALCHEMORSEL_OLLAMA_TIMEOUT, got 29 s",
    ]
    settings = Settings.from_env({"ALCHEMORSEL_DEADLINE": "5s", "ALCHEMORSEL_OLLAMA_TIMEOUT": "5s"})
    assert settings.deadline == settings.ollama_timeout == 5


def test_redis_may_not_take_the_time_of_a_whole_request() -> None:
    """One that hangs would cost each request its answer; the default is what a cache in the same building keeps."""
    assert mistakes(ALCHEMORSEL_REDIS_TIMEOUT="101s") == [
        "ALCHEMORSEL_REDIS_TIMEOUT: expected at most the 100 s of ALCHEMORSEL_DEADLINE, got 101 s"
    ]
    assert Settings.from_env({}).redis_timeout == 0.05
    assert Settings.from_env({"ALCHEMORSEL_REDIS_TIMEOUT": "2s"}).redis_timeout == 2


def test_nothing_is_made_up_in_production() -> None:
    """Neither by the primary provider nor by a fallback; the default takes no part in it."""
    assert mistakes(
        ALCHEMORSEL_PROFILE="prod", ALCHEMORSEL_AI_PROVIDER="mock", ALCHEMORSEL_AI_FALLBACKS="openai,mock"
    ) == [
        "ALCHEMORSEL_AI_PROVIDER: expected no mock with ALCHEMORSEL_PROFILE=prod: it makes answers up",
        "ALCHEMORSEL_AI_FALLBACKS: expected no mock with ALCHEMORSEL_PROFILE=prod: it makes answers up",
    ]
    assert Settings.from_env({"ALCHEMORSEL_PROFILE": "prod"}).fallbacks == ("openai",)


def test_all_mistakes_are_reported_at_once() -> None:
    """Nobody wants to find them one start at a time."""
    found = mistakes(
        ALCHEMORSEL_AI_PROVIDER="olama",
        ALCHEMORSEL_PORT="99999",
        ALCHEMORSEL_OLLAMA_TIMEOUT="soon",
        ALCHEMORSEL_OLLAMA_HOST="ollama:11434",
        ALCHEMORSEL_OLAMA_MODEL="m",
        ALCHEMORSEL_AI_FALLBACKS="mock,mock",
    )
    assert found == [
        "ALCHEMORSEL_OLAMA_MODEL: no such setting; did you mean ALCHEMORSEL_OLLAMA_MODEL?",
        "ALCHEMORSEL_AI_PROVIDER='olama': expected one of ollama, openai, mock",
        "ALCHEMORSEL_AI_FALLBACKS='mock,mock': expected a comma-separated list of ollama, openai, mock, each once",
        "ALCHEMORSEL_OLLAMA_HOST='ollama:11434': expected a URL that starts with http:// or https://",
        "ALCHEMORSEL_OLLAMA_TIMEOUT='soon': expected a duration above zero such as 500ms, 30s, 2m or 1h",
        "ALCHEMORSEL_PORT='99999': expected a whole number from 0 to 65535",
    ]


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    """The message goes to a log."""
    (found,) = mistakes(ALCHEMORSEL_REDIS_URL="redis://:hunter2@localhost:6379/0")
    assert "password as a file" in found
    assert "hunter2" not in found


@pytest.mark.parametrize("url", ["http://me@ollama:11434", "http://ollama:11434/?a=b", "http://ollama:11434/#top"])
def test_a_url_that_would_be_used_in_part_is_refused(url: str) -> None:
    """Nothing that an operator wrote is dropped silently."""
    (found,) = mistakes(ALCHEMORSEL_OLLAMA_HOST=url)
    assert found.endswith("expected a URL of scheme, host, port and path, and no more than that")


def test_what_needs_each_other_is_checked_together() -> None:
    """Each of the two alone looks right."""
    assert mistakes(ALCHEMORSEL_AI_PROVIDER="openai", ALCHEMORSEL_REDIS_USERNAME="alchemorsel") == [
        "ALCHEMORSEL_AI_PROVIDER=openai: expected ALCHEMORSEL_OPENAI_BASE_URL to be set as well",
        "ALCHEMORSEL_REDIS_USERNAME: expected ALCHEMORSEL_REDIS_PASSWORD_FILE to be set as well",
    ]


def test_a_secret_is_read_from_its_file_and_never_shown(tmp_path: Path) -> None:
    """Not even by a traceback that prints the settings."""
    (tmp_path / "key").write_text("sk-secret\n")
    settings = Settings.from_env({"ALCHEMORSEL_OPENAI_API_KEY_FILE": str(tmp_path / "key")})
    assert settings.openai_api_key == "sk-secret"
    assert "sk-secret" not in repr(settings)


def test_the_url_of_a_proxy_may_hold_a_password_and_is_never_shown(tmp_path: Path) -> None:
    """Neither where it is right nor where it is wrong."""
    file = tmp_path / "proxy"
    file.write_text("http://user:s3cret@proxy.example:3128\n")
    settings = Settings.from_env({"ALCHEMORSEL_OPENAI_PROXY_FILE": str(file)})
    assert settings.openai_proxy == "http://user:s3cret@proxy.example:3128"
    assert "s3cret" not in repr(settings)
    for wrong in ("user:s3cret@proxy.example:3128", "socks5://u:s3cret@p:1", "http://u:s3cret@p/x", "http://s3cret@:1"):
        file.write_text(wrong)
        assert mistakes(ALCHEMORSEL_OPENAI_PROXY_FILE=str(file)) == [
            "ALCHEMORSEL_OPENAI_PROXY_FILE: expected the URL of a proxy such as http://proxy.example:3128"
        ]


def test_a_relative_secret_is_a_systemd_credential(tmp_path: Path) -> None:
    """LoadCredential= puts it there."""
    (tmp_path / "redis_password").write_text("pw")
    environ = {"ALCHEMORSEL_REDIS_PASSWORD_FILE": "redis_password", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert Settings.from_env(environ).redis_password == "pw"


def test_a_secret_that_cannot_be_read_is_a_mistake(tmp_path: Path) -> None:
    """Missing, empty, or relative without credentials."""
    (tmp_path / "empty").write_text("\n")
    name = "ALCHEMORSEL_REDIS_PASSWORD_FILE"
    assert "No such file" in mistakes(**{name: str(tmp_path / "missing")})[0]
    assert "is empty" in mistakes(**{name: str(tmp_path / "empty")})[0]
    assert "absolute path" in mistakes(**{name: "redis_password"})[0]


def test_a_file_of_keys_is_checked_and_its_path_kept(tmp_path: Path) -> None:
    """It is read again when it changes; what is wrong in it now keeps the service from starting."""
    name, path = "ALCHEMORSEL_API_KEYS_FILE", tmp_path / "keys"
    path.write_text(f"web sha256:{'0' * 64}")
    environ = {name: "keys", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert Settings.from_env(environ).api_keys_file == str(path)
    path.write_text("web a-key-in-plain-text")
    (found,) = mistakes(**environ)
    assert found.startswith(f"{name}: {path}, line 1: expected sha256:")
    assert "plain-text" not in found


def test_an_empty_variable_means_unset() -> None:
    """Unit files and compose files write it so."""
    assert Settings.from_env({"ALCHEMORSEL_PORT": ""}).port == 3010


def test_one_process_is_one_worker() -> None:
    """More are refused in a sentence that says what to do instead, together with all other mistakes."""
    assert Settings.from_env({"ALCHEMORSEL_WORKERS": "1"}).workers == 1
    assert mistakes(ALCHEMORSEL_WORKERS="2", ALCHEMORSEL_PORT="x") == [
        "ALCHEMORSEL_PORT='x': expected a whole number from 0 to 65535",
        (
            "ALCHEMORSEL_WORKERS='2': expected 1: one process is one worker; "
            "more are more instances (ai_service_instances), and need Redis"
        ),
    ]


def test_the_path_of_a_socket_fits_the_kernel() -> None:
    """A relative one would depend on the working directory."""
    assert Settings.from_env({"ALCHEMORSEL_SOCKET": "/run/ai.sock"}).socket == "/run/ai.sock"
    for path in ("ai.sock", "/" + "x" * 107):
        (found,) = mistakes(ALCHEMORSEL_SOCKET=path)
        assert found.endswith("expected an absolute path of at most 107 bytes")


def test_what_systemd_says_is_read_too() -> None:
    """Its watchdog's interval is in microseconds; a foreign value turns the watchdog off."""
    settings = Settings.from_env({"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "10000000"})
    assert (settings.notify_socket, settings.watchdog_s) == ("/run/notify", 10.0)
    assert Settings.from_env({"WATCHDOG_USEC": "soon"}).watchdog_s == 0.0


def test_every_setting_says_what_it_means() -> None:
    """The README's table is made from it, and the defaults must be readable by their own parsers."""
    for setting in Settings.declared().values():
        assert setting.meaning
        assert setting.variable.startswith("ALCHEMORSEL_")
        setting.parse(setting.default)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "no object with a list of requests"),
        ('{"soup": []}', "unknown task: soup"),
        ('{"recipe": {}}', "no object with a list of requests"),
    ],
)
def test_a_wrong_warm_up_file_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    """Before the service starts."""
    path = tmp_path / "questions.json"
    path.write_text(text)
    for value, expected in ((str(path), reason), ("sometimes", "absolute path"), ("/nowhere", "cannot read")):
        with pytest.raises(ConfigurationError, match=expected):
            Settings.from_env({"ALCHEMORSEL_WARMUP": value})


def test_an_administrators_key_is_long_and_the_only_way(tmp_path: Path) -> None:
    """Keys with roles make a second one needless."""
    path = tmp_path / "key"
    path.write_text("short")
    with pytest.raises(ConfigurationError, match="at least 32 printable"):
        Settings.from_env({"ALCHEMORSEL_ADMIN_KEY_FILE": str(path)})
    path.write_text("x" * 32)
    keys = tmp_path / "keys"
    keys.write_text(f"name sha256:{'0' * 64}\n")
    with pytest.raises(ConfigurationError, match="role admin"):
        Settings.from_env({"ALCHEMORSEL_ADMIN_KEY_FILE": str(path), "ALCHEMORSEL_API_KEYS_FILE": str(keys)})


def test_authorities_have_to_be_certificates_and_to_be_needed(tmp_path: Path) -> None:
    """A wrong file, or one that no TLS would read, is told at the start."""
    (tmp_path / "ca.pem").write_text("no certificate")
    name = "ALCHEMORSEL_REDIS_CA_FILE"
    assert mistakes(**{name: str(tmp_path / "ca.pem")}) == [f"{name}: expected certificates in PEM format"]
    (tmp_path / "ca.pem").write_text(Authority().pem)
    assert mistakes(**{name: str(tmp_path / "ca.pem"), "ALCHEMORSEL_REDIS_URL": "redis://localhost"}) == [
        f"{name}: expected ALCHEMORSEL_REDIS_URL to start with rediss:// then"
    ]


def test_answers_of_a_key_need_keys(tmp_path: Path) -> None:
    """Without them nobody could be told from another."""
    assert mistakes(ALCHEMORSEL_CACHE_SCOPE="key") == [
        "ALCHEMORSEL_CACHE_SCOPE=key: expected ALCHEMORSEL_API_KEYS_FILE to be set as well"
    ]
    (tmp_path / "keys").write_text(f"web sha256:{'0' * 64}\n")
    environ = {"ALCHEMORSEL_CACHE_SCOPE": "key", "ALCHEMORSEL_API_KEYS_FILE": str(tmp_path / "keys")}
    assert Settings.from_env(environ).cache_scope == "key"
    assert Settings.from_env({}).cache_scope == "shared"
