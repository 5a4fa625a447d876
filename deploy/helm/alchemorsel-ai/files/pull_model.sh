#!/bin/sh
# Pulls the model of this set of pods, and fails where its digest is not the expected one. The digest that Ollama shows
# is the SHA-256 of the model's manifest. A model that is there with that digest is not pulled again.
set -eu

name=${MODEL%%:*}
tag=${MODEL##*:}
[ "$tag" != "$MODEL" ] || tag=latest
expected=${DIGEST#sha256:}
case "$name" in
  */*) path="$name" ;;
  *) path="library/$name" ;;
esac
manifest="$OLLAMA_MODELS/manifests/registry.ollama.ai/$path/$tag"

digest() {
  [ -f "$manifest" ] || return 0
  sha256sum "$manifest" | cut -d ' ' -f 1
}

if [ -n "$expected" ] && [ "$(digest)" = "$expected" ]; then
  echo "$MODEL is there, with the digest $expected"
  exit 0
fi

ollama serve &
server=$!
trap 'kill "$server" 2>/dev/null; wait "$server" 2>/dev/null || true' EXIT
tries=0
until ollama list >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -le 60 ] || { echo "Ollama did not start within 60 s" >&2; exit 1; }
  sleep 1
done

if [ -n "${REGISTRY:-}" ]; then
  timeout "$PULL_TIMEOUT" ollama pull "$REGISTRY/$path:$tag"
  ollama cp "$REGISTRY/$path:$tag" "$MODEL"
else
  timeout "$PULL_TIMEOUT" ollama pull "$MODEL"
fi

found=$(digest)
if [ -n "$expected" ] && [ "$found" != "$expected" ]; then
  echo "$MODEL has the digest ${found:-none}, expected $expected: set models[].digest, or pull the right one" >&2
  exit 1
fi
echo "$MODEL is there, with the digest $found"
