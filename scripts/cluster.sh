# The parts of scripts/cluster: where things are, how each process is started, and who looks after
# them. All processes are children of one shell.

# ── what was chosen ──────────────────────────────────────────────────────────────────────────────

binary() {
  if [ -n "${THEAZO_BIN:-}" ]; then
    realpath -e "$THEAZO_BIN"
    return
  fi
  need_cargo
  local flags=()
  [ "$1" = debug ] || flags=(--release)
  say "building (the first time takes some minutes)"
  (cd "$repo" && cargo build --locked --bin theazo "${flags[@]}" >&2)
  local target=${CARGO_TARGET_DIR:-$repo/target}
  realpath -e "$target/$1/theazo"
}

# A nats-server that can sync each commit to disk: Debian 12's cannot.
newer_nats() {
  if nats-server --version 2>/dev/null | grep -qE 'v(2\.[1-9][0-9]|[3-9])\.'; then
    command -v nats-server
    return
  fi
  (cd "$repo" && install_newer_nats >&2 && echo "$THEAZO_TEST_NATS_SERVER_2")
}

# The address is `port`; the others follow it. They are below the ports that outgoing connections
# take, so that a process finds its own free again when it is started again.
choose_ports() {
  local i total=$((4 + cores + apis + workers))
  if [ "$port" -eq 0 ]; then
    port=$(free_ports "$total")
  else
    free_ports "$total" "$port" >/dev/null
  fi
  nats_port=$((port + 1)) nats_http=$((port + 2)) postgres_port=$((port + 3))
  declare -gA PORT=([proxy]=$port [nats]=$nats_port [postgres]=$postgres_port)
  core_names=() api_names=() worker_names=()
  local next=$((port + 4))
  for ((i = 1; i <= cores; i++)); do core_names+=("core-$i"); PORT[core-$i]=$((next++)); done
  for ((i = 1; i <= apis; i++)); do api_names+=("api-$i"); PORT[api-$i]=$((next++)); done
  for ((i = 1; i <= workers; i++)); do worker_names+=("worker-$i"); PORT[worker-$i]=$((next++)); done
}

port_of() { echo "${PORT[$1]}"; }

# So many free ports in a row: from the one that is given on, else from any.
free_ports() {
  python3 - "$@" <<'PYTHON'
import random, socket, sys

def is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
    return True

count = int(sys.argv[1])
if len(sys.argv) > 2:
    first = int(sys.argv[2])
    taken = [str(p) for p in range(first, first + count) if not is_free(p)]
    if taken:
        sys.exit(f"port {', '.join(taken)} of 127.0.0.1 is taken; choose others with --port N "
                 f"(N to N+{count - 1} are used)")
    print(first)
else:
    for _ in range(1000):
        first = random.randrange(10000, 32000 - count)
        if all(is_free(p) for p in range(first, first + count)):
            print(first)
            break
    else:
        sys.exit(f"there are no {count} free ports in a row")
PYTHON
}

# ── what is made once ────────────────────────────────────────────────────────────────────────────

# Whole or not at all: half a key would be another one.
make_once() {
  local file=$1
  shift
  [ ! -e "$file" ] || return 0
  (umask 077 && "$@" >"$file.new")
  mv "$file.new" "$file"
  first_start=1
}

random_key() { python3 -c 'import secrets, sys; print(f"th_{sys.argv[1]}_{secrets.token_hex(24)}")' "$1"; }
random_master_key() { python3 -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'; }

make_keys() {
  first_start=0
  make_once "$data/master.key" random_master_key
  make_once "$data/live.key" random_key live
  make_once "$data/test.key" random_key test
}

# Postgres does not run as root, and its own user cannot get into everybody's folders.
choose_postgres_folder() {
  postgres_folder=$data/postgres
  [ "$(id -u)" -eq 0 ] || return 0
  local chosen=$data/postgres-folder
  if [ ! -e "$chosen" ]; then
    # `data` itself is ours alone, so postgres never gets below it.
    make_once "$chosen" mktemp -d /var/tmp/theazo-postgres-XXXXXX
  fi
  postgres_folder=$(cat "$chosen")
  [ -d "$postgres_folder" ] || {
    say "$postgres_folder is gone, where the data of $data was (Postgres): the cluster cannot go on"
    return 1
  }
}

write_configs() {
  mkdir -p -m 700 "$data/logs" "$data/nats" "$data/blobs"
  sed -e "s|^listen: .*|listen: \"127.0.0.1:$nats_port\"|" \
    -e "s|^http: .*|http: \"127.0.0.1:$nats_http\"|" \
    -e "s|store_dir: .*|store_dir: \"$data/nats\"|" \
    "$repo/nats/server.conf" >"$data/nats.conf"
  local name
  {
    echo "backend api"
    echo "  balance leastconn"
    for name in "${api_names[@]}"; do echo "  server $name 127.0.0.1:${PORT[$name]}"; done
  } >"$data/proxy.cfg"
}

# ── one process ──────────────────────────────────────────────────────────────────────────────────

# What a shell starts in the background ignores SIGINT, unless it is told.
apart=(exec setsid env --default-signal=INT,QUIT)

# Becomes the process. None gets the terminal's Ctrl-C, which is this script's to pass on; all end
# with this script, even when it is killed.
become() { "${apart[@]}" setpriv --pdeathsig TERM "$@"; }

become_theazo() {
  export THEAZO_LOG=nats://127.0.0.1:$nats_port THEAZO_BLOBS=file://$data/blobs
  export THEAZO_DB=postgres://theazo@127.0.0.1:$postgres_port/postgres
  export THEAZO_DATA_DIR=$data/$1 THEAZO_ROLES=$2 THEAZO_LISTEN=127.0.0.1:${PORT[$1]}
  export THEAZO_PUBLIC_URL=http://localhost:$port THEAZO_LOG_SYNCED=true
  THEAZO_MASTER_KEY=$(cat "$data/master.key")
  export THEAZO_MASTER_KEY
  case "$1" in
    worker-*) export THEAZO_HOST_NAME=$1 ;;
    api-*)
      THEAZO_BOOTSTRAP_LIVE_KEY=$(cat "$data/live.key")
      THEAZO_BOOTSTRAP_TEST_KEY=$(cat "$data/test.key")
      export THEAZO_BOOTSTRAP_LIVE_KEY THEAZO_BOOTSTRAP_TEST_KEY
      ;;
  esac
  become "$theazo" serve
}

process() {
  # The lock is this script's alone.
  exec 9>&- </dev/null
  trap - INT TERM HUP EXIT
  case "$1" in
    nats) become "$nats_server" -c "$data/nats.conf" ;;
    postgres) "${apart[@]}" "$repo/scripts/postgres" run "$postgres_folder" "$postgres_port" ;;
    proxy)
      export THEAZO_PROXY_BIND=127.0.0.1:$port
      become haproxy -db -f "$repo/deploy/proxy/common.cfg" -f "$data/proxy.cfg"
      ;;
    core-*) become_theazo "$1" projector,scheduler ;;
    api-*) become_theazo "$1" api ;;
    worker-*) become_theazo "$1" worker ;;
  esac
}

declare -A PID=() BEGUN=() FAILURES=() AGAIN=()

begin() {
  local name
  process "$1" >>"$data/logs/$1.log" 2>&1 &
  PID[$1]=$! BEGUN[$1]=$SECONDS
  # For whoever wants to know or to kill one.
  for name in "${!PID[@]}"; do echo "$name ${PID[$name]} ${PORT[$name]}"; done |
    sort >"$data/processes.new"
  mv "$data/processes.new" "$data/processes"
}

runs() { [ -n "${PID[$1]:-}" ] && kill -0 "${PID[$1]}" 2>/dev/null; }

# How it ended, in words, into `how`; it has.
see_the_end_of() {
  local status=0
  wait "${PID[$1]}" 2>/dev/null || status=$?
  how="ended with status $status"
  [ "$status" -le 128 ] || how="was killed (SIG$(kill -l $((status - 128))))"
}

last_lines() { tail -n 50 "$data/logs/$1.log" | grep -v '^ *$' | tail -n 3 | sed 's/^/  /'; }

# ── while it runs ────────────────────────────────────────────────────────────────────────────────

# A process that lived shorter than this has failed to start.
LIVED=30
LONGEST_WAIT=15
asked=0

asked_to_stop() {
  asked=$((asked + 1))
  [ "$asked" -gt 1 ] || say "stopping (once more: at once)"
}

# A signal ends it.
pause() {
  sleep 0.2 9>&- &
  wait "$!" 2>/dev/null || true
}

# Starts again what has ended, later and later while it does not live long.
look_after() {
  local name wait_for how
  for name in "${!PID[@]}"; do
    if [ -n "${AGAIN[$name]:-}" ]; then
      [ "$SECONDS" -lt "${AGAIN[$name]}" ] || { unset "AGAIN[$name]"; begin "$name"; }
    elif ! runs "$name"; then
      see_the_end_of "$name"
      [ $((SECONDS - BEGUN[$name])) -lt "$LIVED" ] || FAILURES[$name]=0
      wait_for=$((1 << ${FAILURES[$name]:-0}))
      [ "$wait_for" -lt "$LONGEST_WAIT" ] || wait_for=$LONGEST_WAIT
      FAILURES[$name]=$((wait_for < LONGEST_WAIT ? ${FAILURES[$name]:-0} + 1 : 4))
      AGAIN[$name]=$((SECONDS + wait_for))
      say "$name $how; it starts again in $wait_for s. Its log ends with:"
      last_lines "$name" >&2 || true
    fi
  done
}

# Whether something answers `GET path` with 200.
answers() {
  timeout 3 bash -c 'exec 3<>"/dev/tcp/127.0.0.1/$0" &&
    printf "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n" "$1" >&3 &&
    read -r line <&3 && [[ "$line" == *" 200 "* ]]' "$1" "$2" 9>&- 2>/dev/null
}

listens() { (exec 9>&- 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# For the start alone: there a process that ends is not started again.
until_true() {
  local name=$1 deadline=$((SECONDS + 90))
  shift
  until "$@"; do
    [ "$asked" -eq 0 ] || exit 130
    if ! runs "$name" || [ "$SECONDS" -gt "$deadline" ]; then
      say "$name does not start; $data/logs/$name.log ends with:"
      tail -n 20 "$data/logs/$name.log" >&2
      exit 1
    fi
    pause
  done
}

until_ready() { until_true "$1" answers "$2" "$3"; }
until_listens() { until_true "$1" listens "$2"; }

run_once() {
  local status=0
  THEAZO_BASE_URL=http://127.0.0.1:$port THEAZO_API_KEY=$(cat "$data/live.key") \
    THEAZO_CLUSTER=$data "$@" 9>&- <&0 &
  local command=$!
  while kill -0 "$command" 2>/dev/null; do
    if [ "$asked" -gt 0 ]; then
      kill -TERM "$command" 2>/dev/null || true
      break
    fi
    look_after
    pause
  done
  wait "$command" || status=$?
  exit "$status"
}

tell() {
  local at=http://localhost:$port
  say "The cluster is ready: $at"
  cat <<TEXT

  live key   $data/live.key
  test key   $data/test.key
  processes  $data/processes (name, process, port)
  logs       $data/logs/NAME.log
  data       $data$([ "$postgres_folder" = "$data/postgres" ] || echo " and $postgres_folder")

Try, in another terminal:
  export THEAZO_BASE_URL=$at THEAZO_API_KEY=\$(cat $data/live.key)
  $theazo demo
  kill -9 ${PID[worker-1]}    # worker-1, which is started again
  curl http://127.0.0.1:$(port_of worker-1)/metrics

The API's reference: $at/docs. Ctrl-C stops all of it; the next start goes on with its data.
TEXT
  [ "$first_start" -eq 0 ] || printf '\n  live key  %s\n  test key  %s\n' \
    "$(cat "$data/live.key")" "$(cat "$data/test.key")"
}

# ── the end ──────────────────────────────────────────────────────────────────────────────────────

# As long as what is in flight may take (30 s), and some.
STOP=45

# Asks all of these to end, and sees to it that they have.
stop_these() {
  local signal=$1 name deadline=$((SECONDS + STOP)) left
  shift
  for name in "$@"; do
    runs "$name" && kill "-$signal" "${PID[$name]}" 2>/dev/null || true
  done
  while :; do
    left=()
    for name in "$@"; do runs "$name" && left+=("$name"); done
    [ "${#left[@]}" -gt 0 ] || return 0
    if [ "$asked" -gt 1 ] || [ "$SECONDS" -ge "$deadline" ]; then
      say "${left[*]} did not end in time: killed"
      for name in "${left[@]}"; do kill -KILL "${PID[$name]}" 2>/dev/null || true; done
    fi
    pause
  done
}

# In order: what answers, what works, what stores.
stop_all() {
  local status=$?
  trap - EXIT
  set +e
  stop_these TERM "${api_names[@]}"
  stop_these TERM "${worker_names[@]}" "${core_names[@]}" proxy
  # It is whole even then: its processes see each other end.
  stop_these INT postgres
  stop_these TERM nats
  exit "$status"
}
