# What the shell of a document has beside its commands: the program under its name, servers in the background, a patient curl.
set -euo pipefail
servers=()

stop_servers() {
  for pid in ${servers[@]+"${servers[@]}"}; do kill "$pid" 2>/dev/null || true; done
  for pid in ${servers[@]+"${servers[@]}"}; do wait "$pid" 2>/dev/null || true; done
  servers=()
}
trap stop_servers EXIT

# A process that serves takes the port of the one before it; those that only fold stay.
start_server() {
  local log="server-$RANDOM.log" port=(--port "$PORT")
  case " $* " in
    *" --role materialize "*) port=(--port 0) ;;
    *" --role serve "*) ;;
    *) stop_servers ;;
  esac
  case " $* " in *" --port "*) port=() ;; esac
  "$NODE" "$MAIN" start "$@" ${port[@]+"${port[@]}"} >"$log" 2>&1 &
  local pid=$!
  servers+=("$pid")
  for _ in $(seq 600); do
    grep -q 'listens on' "$log" && break
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.1
  done
  grep -q 'listens on' "$log" || { cat "$log" >&2; return 1; }
  case " $* " in *" --role materialize "*) return ;; esac
  command curl -s -o /dev/null --fail --retry 60 --retry-delay 1 --retry-all-errors "http://127.0.0.1:$PORT/readyz"
}

skewless() {
  if [ "$1" = start ]; then shift; start_server "$@"; else "$NODE" "$MAIN" "$@"; fi
}

npx() {
  [ "$1" = skewless ] || { command npx "$@"; return; }
  shift
  skewless "$@"
}

# `npm ci` came before the tests, and `npm test` is under way.
npm() {
  case "$*" in
    ci | test) ;;
    start) skewless start ;;
    *) command npm "$@" ;;
  esac
}

kafka-topics.sh() {
  java -Xmx64m -cp "$KAFKA_CLASSPATH" org.apache.kafka.tools.TopicCommand "$@"
}

# A machine that is busy answers 503 for a while after a start. What it refused for good is shown.
curl() {
  command curl --fail --retry 20 --retry-delay 1 "$@" || { command curl "$@" >&2; return 1; }
}
