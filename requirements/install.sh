#!/bin/sh
# Makes .venv from the pinned, hashed requirements. Works where Debian's python3-venv is not installed.
# Usage: sh requirements/install.sh [python3]
set -eu
python=${1:-python3}
cd "$(dirname "$0")/.."

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "✗ $("$python" --version) at $(command -v "$python"): 3.11 or later is needed. Name another: make PYTHON=python3.12 setup" >&2
  exit 1
fi
echo "… virtual environment with Ansible, Locust and the test tools"
rm -f .venv/.installed
if "$python" -m pip --version >/dev/null 2>&1; then
  "$python" -m venv --without-pip .venv
  "$python" -m pip --python .venv/bin/python install --quiet --require-hashes -r requirements/bootstrap.txt
elif "$python" -m venv .venv >/dev/null 2>&1; then
  .venv/bin/python -m pip install --quiet --require-hashes -r requirements/bootstrap.txt
else
  echo "✗ $python has neither pip nor venv: apt-get install python3-pip (or python3-venv), then run this again" >&2
  exit 1
fi
.venv/bin/uv pip sync --quiet --require-hashes --python .venv/bin/python \
  requirements/bootstrap.txt requirements/service.txt requirements/bench.txt requirements/control.txt requirements/test.txt
touch .venv/.installed
echo "✓ virtual environment"
