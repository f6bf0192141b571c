#!/usr/bin/env bash
# A newcomer's hour, word for word: clones this tree into an empty folder, follows the README there (make run, the first key,
# an SDK), writes a first plugin, and checks the configuration for production. Needs port 8000. Ends with 0 when all of it works.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
place=$(mktemp -d)
log=$place/run.log
server=""

finish() {
  code=$?
  if [ -n "$server" ]; then
    kill -INT -- "-$server" 2>/dev/null || true  # its whole group, as a terminal does
    wait "$server" 2>/dev/null || true
  fi
  [ $code -eq 0 ] || { echo "--- make run said:"; tail -40 "$log" 2>/dev/null || true; }
  rm -rf "$place"
  exit $code
}
trap finish EXIT

say() { printf '\n== %s\n' "$*"; }

say "a fresh clone"
git clone --quiet "$here" "$place/gatewayz"
cd "$place/gatewayz"
for variable in $(compgen -e | grep -E '_(KEY|TOKEN)$|^GATEWAYZ_' || true); do unset "$variable"; done

say "make run"
# In a session of its own, and in the foreground of it: what Ctrl-C reaches at a terminal.
set -m
make run >"$log" 2>&1 &
server=$!
set +m
until grep -q '^  API key' "$log"; do
  kill -0 "$server" || { echo "make run ended"; exit 1; }
  sleep 1
done
key=$(sed -n 's/^  API key *//p' "$log")
grep -E '^(Asking|It cost|Balance left)' "$log"

say "the curl that it prints"
curl --fail --silent --show-error http://127.0.0.1:8000/v1/chat/completions -H "authorization: Bearer $key" \
  -H 'content-type: application/json' \
  -d '{"model": "local/smollm2-135m-instruct", "max_tokens": 8, "messages": [{"role": "user", "content": "Hello!"}]}'
echo

say "the README's OpenAI client"
.venv/bin/python -m pip install --quiet --disable-pip-version-check 'openai>=1'
awk '/^```python/{on=1;next} /^```/{on=0} on' README.md | sed '/^$/,$d' | sed "s|gw_live_\.\.\.|$key|" >"$place/client.py"
echo 'print("ok")' >>"$place/client.py"
grep -q OpenAI "$place/client.py"
.venv/bin/python "$place/client.py"

say "a first plugin"
(
  cd "$place"
  gatewayz/.venv/bin/gatewayz scaffold provider hello
  cd gatewayz-hello
  ../gatewayz/.venv/bin/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
  ../gatewayz/.venv/bin/python -m pytest -q
)
.venv/bin/gatewayz plugins | grep hello

say "the check for production names what is missing, and passes when it is given"
if .venv/bin/gatewayz check --env production >"$place/check.log" 2>&1; then
  echo "a production without a database passed"
  exit 1
fi
grep DATABASE_URL "$place/check.log"
DATABASE_URL=postgresql+asyncpg://gatewayz:secret@db.example.internal/gatewayz \
  REDIS_URL=redis://redis.example.internal:6379/0 KEY_HASH_SALT=0123456789abcdef0123456789abcdef \
  KEYRING_1=$(.venv/bin/gatewayz keys generate) ADMIN_API_KEY=0123456789abcdef0123456789abcdef OPENAI_API_KEY=sk-yours \
  .venv/bin/gatewayz check --env production

say "all of it works"
