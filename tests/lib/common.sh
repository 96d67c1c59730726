# Counting, reporting and bounding, for tests/run. Sourced, never run.

# Keep rustup from installing a toolchain or a component by itself: what is missing is reported instead.
export CARGO_LLVM_COV_SETUP=no RUSTUP_DIST_SERVER=http://127.0.0.1:9 RUSTUP_UPDATE_ROOT=http://127.0.0.1:9/rustup
export CARGO_TERM_COLOR=never CARGO_TERM_PROGRESS_WHEN=never NO_COLOR=1
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
if [ "${CI:-}" = true ]; then
  # A build from nothing has no use for incremental state or for a debugger's view of local variables.
  export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=line-tables-only
  # Two dozen binaries, each linked for longer than it runs.
  export CARGO_PROFILE_RELEASE_LTO=off
fi

target="${CARGO_TARGET_DIR:-$root/target}"
cache="$root/.cache"
logs="$target/tests"
mkdir -p "$logs" "$cache"

passed=0 failed=0 skipped=0
running=

# Whatever still runs when the script ends, ends too; `timeout` passes the signal on to the command's whole group.
# $at_exit is the command that undoes what may not stay.
at_exit=
stop_running() {
  if [ -n "$running" ]; then kill "$running" 2>/dev/null || true; fi
  $at_exit
}
trap stop_running EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say() { printf '%s\n' "$*"; }

# bounded SECONDS LOG COMMAND…: runs it in the background, so that a signal to this script is not held up by it.
bounded() {
  local limit=$1 log=$2 status=0
  shift 2
  if command -v timeout >/dev/null; then
    timeout -k 10 "$limit" "$@" >"$log" 2>&1 </dev/null &
  else
    "$@" >"$log" 2>&1 </dev/null &
  fi
  running=$!
  wait "$running" || status=$?
  running=
  return "$status"
}

log_of() { printf '%s/%s.log' "$logs" "$(printf '%s' "$1" | tr -c 'A-Za-z0-9._\n-' '-')"; }

# The last lines of a log, without its own sum: the only line of that form is the one at the end of everything.
show_log() {
  local lines
  lines=$(wc -l <"$1")
  if [ "$lines" -gt "${2:-150}" ]; then say "        … the whole log is in $1"; fi
  tail -n "${2:-150}" "$1" | sed -E '/^[0-9]+ passed, [0-9]+ failed/d; s/^/        /'
}

ok() { passed=$((passed + ${2:-1})) && say "  ok    $1"; }
bad() { failed=$((failed + ${2:-1})) && say "  FAIL  $1"; }

# skip NAME REASON: with CI=true whatever is left out is a failure.
skip() {
  if [ "${CI:-}" = true ]; then
    bad "$1: $2"
  else
    skipped=$((skipped + 1))
    say "  skip  $1: $2"
  fi
}

why() { case $1 in 124 | 137) say "stopped after $2 s" ;; *) say "status $1" ;; esac; }

# check NAME SECONDS COMMAND…: counts one, by the command's status; prints its log when it fails.
check() {
  local name=$1 limit=$2 log status=0 began=$SECONDS
  shift 2
  log=$(log_of "$part-$name")
  bounded "$limit" "$log" "$@" || status=$?
  if [ "$status" -eq 0 ]; then
    ok "$name ($((SECONDS - began)) s)"
  else
    bad "$name ($(why "$status" "$limit")): $*"
    show_log "$log"
  fi
  return 0
}

# tally FORMAT NAME SECONDS COMMAND…: counts what the command says it counted. FORMAT `quiet` shows its log only when it
# fails, `shown` always. A command that fails without a failed test, or passes without a test, counts as one failure.
tally() {
  local format=$1 name=$2 limit=$3 log status=0 began=$SECONDS won lost left
  shift 3
  log=$(log_of "$part-$name")
  bounded "$limit" "$log" "$@" || status=$?
  read -r won lost left < <(count_tests <"$log")
  passed=$((passed + won)) failed=$((failed + lost))
  if [ "$format" = shown ] || [ "$status" -ne 0 ] || [ "$lost" -ne 0 ]; then show_log "$log" 250; fi
  if [ "$left" -ne 0 ]; then skip "$name" "$left tests were ignored"; fi
  local summary="$won passed, $lost failed ($((SECONDS - began)) s)"
  if [ "$status" -ne 0 ] && [ "$lost" -eq 0 ]; then
    bad "$name: $summary, but it ended with $(why "$status" "$limit"): $*"
  elif [ "$status" -ne 0 ] || [ "$lost" -ne 0 ]; then
    say "  FAIL  $name: $summary"
  elif [ "$won" -eq 0 ]; then
    bad "$name: it ran no test"
  else
    say "  ok    $name: $summary"
  fi
  return 0
}

# Adds up the closing lines of nextest, of libtest (one a test binary), of Python's unittest,
# of Node's test runner, and of our own.
count_tests() {
  awk '
    function number(unit,  rest) {
      if (!match($0, "[0-9]+ " unit)) return 0
      rest = substr($0, RSTART, RLENGTH)
      return rest + 0
    }
    /^ *Summary \[/ && / tests? run: / {
      run = number("tests? run")
      good += number("passed"); bad += run - number("passed"); skip += number("skipped")
    }
    /^test result: / { good += number("passed"); bad += number("failed"); skip += number("ignored") }
    /^Ran [0-9]+ tests? in / { ran = $2 }
    /^FAILED \(/ { wrong = 0; n = split($0, parts, /[=,)]/); for (i = 2; i <= n; i++) if (parts[i] ~ /^[0-9]+$/) wrong += parts[i]
                   bad += wrong; good += ran - wrong; ran = 0 }
    /^OK( \(|$)/ { good += ran; ran = 0 }
    /^# (pass|fail|cancelled|skipped|todo) [0-9]+$/ {
      if ($2 == "pass") good += $3; else if ($2 == "fail" || $2 == "cancelled") bad += $3; else skip += $3
    }
    /^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$/ { good += $1; bad += $3; skip += $5 }
    END { print good + 0, bad + 0, skip + 0 }
  '
}
