"""The service's settings: one frozen object, read from the environment once, with all mistakes reported together."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ai_service.access.key_file import read_keys
from ai_service.config import environment, parsers
from ai_service.config.contradictions import contradictions
from ai_service.config.environment import PREFIX, Setting, setting
from ai_service.config.ollama_servers import ServerEntry, ServerList, ServerSource, add_further_hosts, parse_source
from ai_service.config.warmup_file import warmup_source
from ai_service.errors import ConfigurationError
from ai_service.transport.tls import read_authorities

if TYPE_CHECKING:
    from collections.abc import Mapping

LOG_LEVELS = ("debug", "info", "warning", "error")


def _keys_path(text: str) -> str:
    if text:
        read_keys(Path(text))
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decides. Durations are in seconds, sizes as the name says."""

    profile: str = setting(
        "PROFILE", "dev", parsers.choice("dev", "prod"), "Profile of the site; in prod the provider mock is refused"
    )
    provider: str = setting("AI_PROVIDER", "ollama", parsers.choice(*parsers.PROVIDERS), "Primary provider")
    fallbacks: tuple[str, ...] = setting(
        "AI_FALLBACKS",
        "openai",
        parsers.providers,
        "Fallback providers, in order; openai only if its URL is set. mock returns sample answers for the three tasks",
    )
    ollama_host: str = setting(
        "OLLAMA_HOST", "http://127.0.0.1:11434", parsers.url("http", "https"), "Base URL of the Ollama server"
    )
    ollama_servers: ServerSource | None = setting(  # noqa: RUF009 - declares a setting
        "OLLAMA_SERVERS",
        "",
        parse_source,
        "All Ollama servers, in place of ALCHEMORSEL_OLLAMA_HOST: URLs separated by commas, dns+http://NAME:PORT among"
        " them, or the path of a YAML or JSON file with url, models, slots, weight and state of each",
        former="OLLAMA_MORE_HOSTS",
    )
    ollama_model: str = setting("OLLAMA_MODEL", "llama3.2:3b", parsers.name, "Model that Ollama runs")
    ollama_timeout: float = setting(
        "OLLAMA_TIMEOUT",
        "30s",
        parsers.duration,
        "Idle timeout of a provider: before its first token, and between tokens",
    )
    ollama_load_timeout: float = setting(
        "OLLAMA_LOAD_TIMEOUT", "60s", parsers.duration, "Timeout for loading the model"
    )
    ollama_num_ctx: int = setting(
        "OLLAMA_NUM_CTX",
        "4096",
        parsers.integer(1024, 131_072),
        "Context length in tokens; a change reloads the model",
    )
    ollama_keep_alive: float = setting(
        "OLLAMA_KEEP_ALIVE",
        "30m",
        parsers.keep_alive,
        "How long the model stays loaded after a request; -1 is indefinitely",
    )
    ollama_num_parallel: int = setting(
        "OLLAMA_NUM_PARALLEL",
        "1",
        parsers.integer(1, 64),
        "Concurrent requests to Ollama (its own OLLAMA_NUM_PARALLEL)",
    )
    queue_limit: int = setting(
        "QUEUE_LIMIT", "16", parsers.integer(0, 10_000), "Length of the admission queue in front of Ollama"
    )
    recipe_model: str = setting(
        "RECIPE_MODEL", "", parsers.model, "Model for recipes; unset is ALCHEMORSEL_OLLAMA_MODEL"
    )
    ingredients_model: str = setting(
        "INGREDIENTS_MODEL", "", parsers.model, "Model for ingredient suggestions; unset is ALCHEMORSEL_OLLAMA_MODEL"
    )
    nutrition_model: str = setting(
        "NUTRITION_MODEL", "", parsers.model, "Model for nutrition analyses; unset is ALCHEMORSEL_OLLAMA_MODEL"
    )
    models: tuple[str, ...] = setting(
        "MODELS",
        "",
        parsers.each(parsers.name),
        "Further models that chat and embeddings may name, comma-separated",
    )
    model_aliases: tuple[tuple[str, str], ...] = setting(
        "MODEL_ALIASES",
        "",
        parsers.pairs,
        "Other names of models, comma-separated, such as gpt-4o-mini=llama3.2:3b",
    )
    openai_base_url: str = setting(
        "OPENAI_BASE_URL",
        "",
        parsers.url("http", "https", optional=True),
        "Base URL of an OpenAI-compatible server, with /v1",
    )
    openai_model: str = setting(
        "OPENAI_MODEL", "gpt-4o-mini", parsers.name, "Model asked of the OpenAI-compatible server"
    )
    openai_api_key: str = setting(
        "OPENAI_API_KEY_FILE", "", str, "File with the API key of the OpenAI-compatible server", secret=True
    )
    openai_proxy: str = setting(
        "OPENAI_PROXY_FILE",
        "",
        parsers.proxy,
        "File with the URL of the HTTP proxy to the OpenAI-compatible server; loopback is always reached directly",
        secret=True,
    )
    redis_url: str = setting(
        "REDIS_URL",
        "",
        parsers.url("redis", "rediss", "unix", optional=True),
        "URL of the Redis server; unset caches in memory",
    )
    redis_username: str = setting("REDIS_USERNAME", "", str, "Redis ACL user")
    redis_password: str = setting("REDIS_PASSWORD_FILE", "", str, "File with the Redis password", secret=True)
    redis_timeout: float = setting(
        "REDIS_TIMEOUT",
        "50ms",
        parsers.duration,
        "Deadline of a Redis operation; past it the service works without",
    )
    redis_ca: str = setting(
        "REDIS_CA_FILE",
        "",
        read_authorities,
        "File with the CA bundle for rediss:// certificates",
    )
    api_keys_file: str = setting(
        "API_KEYS_FILE",
        "",
        _keys_path,
        "File with names and hashes of the API keys; unset disables authentication",
        keeps_path=True,
    )
    cache_scope: str = setting(
        "CACHE_SCOPE",
        "shared",
        parsers.choice("shared", "key"),
        "Who finds a cached answer: every caller (shared), or only the API key that asked for it (key)",
    )
    admin_key: str = setting(
        "ADMIN_KEY_FILE",
        "",
        parsers.admin_key,
        "File with the administrator's key, where no API keys are configured",
        secret=True,
    )
    socket: str = setting(
        "SOCKET",
        "",
        parsers.socket_path,
        "Path of the Unix socket to listen on behind a load balancer, instead of host and port",
    )
    host: str = setting("HOST", "127.0.0.1", parsers.name, "Address to listen on")
    port: int = setting("PORT", "3010", parsers.integer(0, 65_535), "Port to listen on; 0 takes a free one")
    instance: str = setting(
        "INSTANCE", "", parsers.instance, "Name of this instance among those of its host, such as 1; part of /health"
    )
    metrics_folder: str = setting(
        "METRICS_FOLDER",
        "",
        parsers.absolute_path,
        "Directory shared by the instances of a host: /metrics of each reports their sum; unset reports this one alone",
    )
    workers: int = setting(
        "WORKERS",
        "1",
        parsers.one_worker,
        "Always 1: one process is one worker; more are more instances, and need Redis",
    )
    recipe_max_tokens: int = setting(
        "RECIPE_MAX_TOKENS", "1024", parsers.integer(400, 8192), "Token budget of a recipe"
    )
    ingredients_max_tokens: int = setting(
        "INGREDIENTS_MAX_TOKENS", "192", parsers.integer(96, 4096), "Token budget of ingredient suggestions"
    )
    nutrition_max_tokens: int = setting(
        "NUTRITION_MAX_TOKENS", "160", parsers.integer(96, 4096), "Token budget of a nutrition analysis"
    )
    chat_max_tokens: int = setting(
        "CHAT_MAX_TOKENS",
        "1024",
        parsers.integer(1, 32_768),
        "Default and maximum token budget of a chat answer",
    )
    recipe_ttl: float = setting("RECIPE_TTL", "2h", parsers.duration, "Base time a recipe stays fresh")
    ingredients_ttl: float = setting("INGREDIENTS_TTL", "6h", parsers.duration, "Base time ingredients stay fresh")
    nutrition_ttl: float = setting(
        "NUTRITION_TTL", "12h", parsers.duration, "Base time a nutrition analysis stays fresh"
    )
    stale_while_revalidate: float = setting(
        "STALE_WHILE_REVALIDATE", "1h", parsers.zero_or_duration,
        "How long a stale answer may be served while it is refreshed; 0 disables it",
    )  # fmt: skip
    warmup: str = setting(
        "WARMUP",
        "off",
        warmup_source,
        "Requests to cache at the start: off, common (a built-in list), or the path of a JSON file",
    )
    warmup_interval: float = setting("WARMUP_INTERVAL", "1s", parsers.duration, "Pause between two calls of a warm-up")
    probe_interval: float = setting(
        "PROBE_INTERVAL", "10m", parsers.duration, "Interval of the inference check of an idle, loaded model"
    )
    container_status: str = setting(
        "CONTAINER_STATUS",
        "/run/alchemorsel/containers.json",
        str,
        "File with the state of this host's containers, written by a timer and reported by /health",
    )
    chat_ttl: float = setting("CHAT_TTL", "2h", parsers.duration, "Time a chat answer stays fresh")
    max_body_bytes: int = setting(
        "MAX_BODY_BYTES",
        "1048576",
        parsers.integer(65_536, 64 * 1024 * 1024),
        "Largest request body in bytes, of chat and other wire formats; 64 KiB for the three tasks",
    )
    unsupported_parameters: str = setting(
        "UNSUPPORTED_PARAMETERS",
        "reject",
        parsers.choice("reject", "drop"),
        "What happens to unknown and unsupported parameters of a chat request: reject (400 by name) or drop",
    )
    cors_origins: tuple[str, ...] = setting(
        "CORS_ORIGINS",
        "",
        parsers.each(parsers.origin),
        "Origins whose pages may call the API from a browser, comma-separated, such as https://app.example.com",
    )
    embeddings_ttl: float = setting("EMBEDDINGS_TTL", "24h", parsers.duration, "Time the vector of a text stays fresh")
    deadline: float = setting("DEADLINE", "100s", parsers.duration, "Deadline for a whole request")
    log_level: str = setting("LOG_LEVEL", "info", parsers.choice(*LOG_LEVELS), "Minimum log level")
    log_prompts: str = setting(
        "LOG_PROMPTS",
        "no",
        parsers.choice("no", "yes"),
        "Whether to log the canonical form of each request",
    )
    notify_socket: str = field(default="")
    watchdog_s: float = field(default=0.0)

    @classmethod
    def declared(cls) -> dict[str, Setting]:
        """Every setting by its field's name, in the order of the README's table."""
        return environment.of(cls)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Settings:
        """Read the settings, and what systemd says to its services.

        Args:
            environ: The environment, as `os.environ`.

        Raises:
            ConfigurationError: With every mistake found, not only the first.
        """
        values, mistakes = environment.read(cls.declared(), environ)
        mistakes += add_further_hosts(values, environ)
        mistakes += contradictions(values)
        if mistakes:
            raise ConfigurationError(mistakes)
        interval = environ.get("WATCHDOG_USEC", "")
        return cls(
            notify_socket=environ.get("NOTIFY_SOCKET", ""),
            watchdog_s=int(interval) / 1e6 if interval.isdecimal() else 0.0,
            **values,
        )

    @property
    def further_models(self) -> tuple[str, ...]:
        """The models beside the default one, each once."""
        named = (self.recipe_model, self.ingredients_model, self.nutrition_model, *self.models)
        return tuple(dict.fromkeys(model for model in named if model not in {"", self.default_model}))

    @property
    def ollama_source(self) -> ServerSource:
        """The list of Ollama servers; without one, the one of `ALCHEMORSEL_OLLAMA_HOST`."""
        return self.ollama_servers or ServerSource(ServerList((ServerEntry(self.ollama_host),)))

    @property
    def asked_of_ollama(self) -> tuple[str, ...]:
        """The models that the service asks of Ollama, the default one first; none where Ollama takes no part."""
        if self.provider == "ollama":
            return (self.ollama_model, *self.further_models)
        return (self.ollama_model,) if "ollama" in self.fallbacks else ()

    @property
    def default_model(self) -> str:
        """The primary provider's model."""
        return self.openai_model if self.provider == "openai" else self.ollama_model


def settings_warnings(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    """Return a sentence for each setting that has a former name, or is not used beside another one."""
    host = environ.get(f"{PREFIX}OLLAMA_HOST", "").strip().rstrip("/")
    listed = [entry.url for entry in settings.ollama_source.servers.servers]
    unused = (
        [f"{PREFIX}OLLAMA_HOST={host} is not used: {PREFIX}OLLAMA_SERVERS lists all servers, and not this one."]
        if host and host not in listed and settings.provider == "ollama"
        else []
    )
    return [*environment.deprecations(settings.declared(), environ), *unused]
