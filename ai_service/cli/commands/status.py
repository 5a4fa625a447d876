"""`alchemorsel status` and `alchemorsel health`."""

from __future__ import annotations

import shutil
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Never

import msgspec
import typer
from rich.live import Live
from rich.markup import escape
from rich.text import Text

from ai_service.cli import last_bench
from ai_service.cli.api import Api
from ai_service.cli.errors import CliError
from ai_service.cli.host_services import OF_SEVERAL_HOSTS, host_services
from ai_service.cli.ollama import Ollama
from ai_service.cli.output import AsJson, console, print_json, table
from ai_service.cli.service import NOT_INSTALLED, megabytes
from ai_service.web.scrape import Scrape

if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_service.cli.site import Site

GPU_S = 5
WATCH_S = 2.0
GPU_QUERY = "name,utilization.gpu,memory.used,memory.total,temperature.gpu"
EXIT_CODES = {"healthy": 0, "degraded": 0, "critical": 1}


def status(
    ctx: typer.Context,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Refresh every two seconds until interrupted.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show services, providers, models, cache, last benchmark and GPUs, even while services are down."""
    if watch:
        _watch(ctx.obj, as_json=as_json)
    found = _find(ctx.obj)
    if as_json:
        print_json(found)
    else:
        _show(found)
    if "error" in found["health"]:
        raise typer.Exit(69)


def _watch(site: Site, *, as_json: bool) -> Never:
    """Show the status again and again; programs get one JSON object a line."""
    if as_json or not console.is_terminal:
        while True:
            found = _find(site)
            if as_json:
                print_json(found, on_one_line=True)
            else:
                console.rule(f"{datetime.now().astimezone():%H:%M:%S}")
                _show(found)
            time.sleep(WATCH_S)
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            found = _find(site)
            with console.capture() as shown:
                console.print(f"{datetime.now().astimezone():%H:%M:%S}, Ctrl-C ends", style="dim")
                _show(found)
            live.update(Text.from_ansi(shown.get()), refresh=True)
            time.sleep(WATCH_S)


def _find(site: Site) -> dict[str, Any]:
    """Return what is known of services, providers, models, cache, last benchmark and GPUs."""
    services = host_services(site.container)
    api, ollama = Api(site), Ollama(site)
    with ThreadPoolExecutor(16) as pool:
        states = {name: pool.submit(service.state) for name, service in services.items()}
        health = pool.submit(_told, api.health)
        metrics = pool.submit(_told, api.metrics)
        models = pool.submit(_told, ollama.models)
        loaded = pool.submit(_told, ollama.loaded)
        gpus = pool.submit(_gpus)
        bench = pool.submit(last_bench.last, site)
    return {
        "components": {
            name: {"state": state.words, "running": state.running, "detail": state.detail}
            for name, state in ((name, waiting.result()) for name, waiting in states.items())
            if name not in OF_SEVERAL_HOSTS or state.words != NOT_INSTALLED
        },
        "health": health.result(),
        "answers": _answers(metrics.result()),
        "models": models.result(),
        "loaded": loaded.result(),
        "gpus": gpus.result(),
        "bench": msgspec.to_builtins(bench.result()),
    }


def health(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Show the API's health report. Exit status 0 healthy or degraded, 1 critical, 69 not reachable."""
    report = Api(ctx.obj).health()
    if as_json:
        print_json(report)
    else:
        _show_health(report)
    raise typer.Exit(EXIT_CODES.get(report["status"], 1))


def _told(look: Callable[[], Any]) -> Any:
    try:
        return look()
    except CliError as error:
        return {"error": str(error)}


def _answers(metrics: Any) -> dict[str, int] | None:
    return None if isinstance(metrics, dict) else Scrape.parse(time.time(), metrics).totals()


def _gpus() -> list[dict[str, str]]:
    """Return nvidia-smi's figures for each GPU; an empty list where it is not installed."""
    if shutil.which("nvidia-smi") is None:
        return []
    command = ["nvidia-smi", f"--query-gpu={GPU_QUERY}", "--format=csv,noheader"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=GPU_S, check=True).stdout
    except (OSError, subprocess.SubprocessError) as error:
        return [{"name": f"nvidia-smi failed: {error}"}]
    names = GPU_QUERY.split(",")
    return [dict(zip(names, (cell.strip() for cell in line.split(",")), strict=False)) for line in told.splitlines()]


def _show(found: dict[str, Any]) -> None:
    if "error" in found["health"]:
        console.print(f"[red]{found['health']['error']}[/]\n")
    else:
        _show_health(found["health"])
    rows = [(name, part["state"], part["detail"]) for name, part in found["components"].items()]
    table(("service", "state", "memory, health"), rows)
    _show_models(found["models"], found["loaded"])
    if found["answers"]:
        cached, computed = found["answers"]["cached"], found["answers"]["computed"]
        ratio = f"{cached / (cached + computed):.0%} from the cache" if cached + computed else "no requests yet"
        console.print(f"answers {cached + computed} ({ratio}), fallbacks {found['answers']['fallbacks']}")
    if found["bench"]:
        _show_bench(found["bench"])
    console.print("GPU: none found" if not found["gpus"] else "")
    table(("GPU", "used", "memory", "of", "temperature"), [tuple(gpu.values()) for gpu in found["gpus"]])


def _show_bench(bench: dict[str, Any]) -> None:
    when = datetime.fromisoformat(bench["started_at"])
    console.print(f"\nlast benchmark {when:%Y-%m-%d %H:%M} UTC, profile {bench['profile']}: {bench['verdict']}\n")
    rows = [
        (result["task"], _p95(result["uncached"]), _p95(result["cached"]), result["verdict"])
        for result in bench["tasks"]
    ]
    table(("task", "p95 from the model", "p95 from the cache", "verdict"), rows)


def _p95(latency: dict[str, float] | None) -> str:
    """Format a p95 latency in milliseconds or seconds; "none" without one."""
    if latency is None:
        return "none"
    p95 = latency["p95_ms"]
    return f"{p95 / 1000:.2f} s" if p95 >= 1000 else f"{p95:.1f} ms"


def _show_health(report: dict[str, Any]) -> None:
    colour = {"healthy": "green", "degraded": "yellow"}.get(report["status"], "red")
    cache = report["cache"]
    reach = "" if cache["available"] else " [red](does not respond)[/]"
    console.print(
        f"[bold {colour}]{report['status']}[/], version {report['version']}, cache in {cache['store']}{reach}, "
        f"model digest {report['model_digest']}\n"
    )
    rows = [
        (
            provider["name"],
            provider["model"],
            provider["problem"] or ("usable" if provider["usable"] else "not usable"),
            provider["breaker"],
            {True: "yes", False: "no"}.get(provider["loaded"], "unknown"),
            f"{provider['running']} + {provider['waiting']}",
        )
        for provider in report["providers"]
    ]
    table(("provider", "model", "state", "breaker", "in memory", "running + waiting"), rows)
    _show_servers(report.get("servers", []))
    for problem in report.get("problems", []):
        console.print(f"[yellow]{problem['problem']}[/], {escape(problem['subject'])}: {escape(problem['detail'])}")


def _show_servers(servers: list[dict[str, Any]]) -> None:
    rows = [
        (
            server["url"],
            server["state"],
            server["breaker"] + (f" ({server['problem']})" if server["problem"] else ""),
            f"{server['running']} of {server['slots']}",
            str(server["weight"]),
            ", ".join(_server_model(model) for model in server["models"]),
        )
        for server in servers
    ]
    table(("Ollama server", "state", "breaker", "slots in use", "weight", "models"), rows)


def _server_model(model: dict[str, Any]) -> str:
    state = model["problem"].replace("_", " ") or ("resident" if model["resident"] else "not in memory")
    return f"{model['name']} ({state})"


def _show_models(models: Any, loaded: Any) -> None:
    if isinstance(models, dict):
        console.print(f"[red]{models['error']}[/]\n")
        return
    resident = {model["name"]: model for model in loaded} if isinstance(loaded, list) else {}
    rows = []
    for model in models:
        there = resident.get(model["name"])
        on_gpu = f", {there['size_vram'] / there['size']:.0%} on the GPU" if there and there.get("size") else ""
        rows.append((model["name"], megabytes(model["size"]), f"{megabytes(there['size'])}{on_gpu}" if there else "no"))
    table(("model", "on disk", "in memory"), rows)
