# Sourced by the other scripts: makes sure that what they need is there, and installs what is missing.
# shellcheck shell=bash

firn_cache="${XDG_CACHE_HOME:-$HOME/.cache}/firn"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$firn_cache/target}"
mkdir -p "$CARGO_TARGET_DIR"

say() { printf '\033[1m== %s\033[0m\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

# install PACKAGE...: Debian packages, as root.
install() {
  say "installing $*"
  local as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -qq
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# need COMMAND PACKAGE [COMMAND PACKAGE ...]: installs the packages of the commands that are missing.
need() {
  local missing=()
  while [ $# -gt 1 ]; do
    command -v "$1" >/dev/null 2>&1 || missing+=("$2")
    shift 2
  done
  [ ${#missing[@]} -eq 0 ] || install "${missing[@]}"
}

need_build() {
  command -v cargo >/dev/null 2>&1 || die "cargo is not there: install Rust (1.95 or later) and try again"
  need cc build-essential make build-essential
}

need_mount() {
  [ -e /dev/fuse ] || die "/dev/fuse is not there: load the fuse module (modprobe fuse), or use a machine that has it"
  [ "$(id -u)" -eq 0 ] || need fusermount3 fuse3
}

# A directory that is removed at the end of the script, whatever happens; mounts below it are unmounted first.
make_scratch() {
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/firn-$1.XXXXXX")
  trap clean_scratch EXIT
  trap 'exit 130' INT TERM
}

clean_scratch() {
  local status=$? point pid
  if [ -n "${moto_pid:-}" ] && [ "$(tr '\0' ' ' <"/proc/$moto_pid/cmdline" 2>/dev/null | grep -c moto_server)" = 1 ]; then
    kill "$moto_pid"
    wait "$moto_pid" 2>/dev/null || true
  fi
  awk -v dir="$scratch/" 'index($5, dir) == 1 {print $5}' /proc/self/mountinfo | sort -r | while read -r point; do
    umount "$point" 2>/dev/null || umount -l "$point" || fusermount3 -uz "$point" || true
  done
  # A process whose mount was just taken away may still be storing its last changes; for ever, if its store is gone.
  if [ -n "${moto_pid:-}" ]; then
    for pid in $(pgrep -f "firn mount .* $scratch/" || true); do
      kill -9 "$pid" 2>/dev/null || true
    done
  fi
  for _ in 1 2 3 4 5; do
    rm -rf "$scratch" 2>/dev/null && break
    sleep 1
  done
  return "$status"
}

# FUSE over io_uring, where the kernel can and lets us turn it on.
enable_uring() {
  local switch=/sys/module/fuse/parameters/enable_uring
  if [ "$(cat "$switch" 2>/dev/null)" = N ] && ! echo Y 2>/dev/null >"$switch"; then
    say "FUSE over io_uring stays off: mounts use /dev/fuse"
  fi
}

# An S3 server on this machine (moto), for the tests and the demo; sets FIRN_TEST_S3_ENDPOINT.
start_s3() {
  local venv="$firn_cache/moto" port attempt
  if ! "$venv/bin/moto_server" --help >/dev/null 2>&1; then
    say "installing the S3 server of the tests (moto)"
    need python3 python3
    python3 -m venv "$venv" >/dev/null 2>&1 || { install python3-venv; python3 -m venv --clear "$venv"; }
    "$venv/bin/pip" install --quiet 'moto[s3]==5.2.*' flask flask-cors
  fi
  for attempt in 1 2 3 4 5; do
    port=$((20000 + (RANDOM % 20000)))
    "$venv/bin/python" scripts/moto_server.py -H 127.0.0.1 -p "$port" >"$scratch/moto.log" 2>&1 &
    moto_pid=$!
    for _ in $(seq 100); do
      if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && kill -0 "$moto_pid" 2>/dev/null; then
        export FIRN_TEST_S3_ENDPOINT="http://127.0.0.1:$port"
        return
      fi
      kill -0 "$moto_pid" 2>/dev/null || break
      sleep 0.1
    done
  done
  die "the S3 server did not start in $attempt attempts; its last words: $(tail -n 3 "$scratch/moto.log")"
}

# kill_test BUILD OPTION...: `firn-sim kill`, with both programs of a build, on a volume on the S3 server.
kill_test() {
  local build=$1
  shift
  AWS_ENDPOINT_URL="$FIRN_TEST_S3_ENDPOINT" AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=us-east-1
  export AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION
  make_bucket kill-test
  "$build/firn-sim" kill --firn "$build/firn" --volume s3://kill-test/volume --dir "$scratch/kill" "$@"
}

# make_bucket NAME: on the S3 server of start_s3.
make_bucket() {
  "$firn_cache/moto/bin/python" - "$1" <<'PY'
import boto3, os, sys
boto3.client("s3", endpoint_url=os.environ["FIRN_TEST_S3_ENDPOINT"], region_name="us-east-1",
             aws_access_key_id="test", aws_secret_access_key="test").create_bucket(Bucket=sys.argv[1])
PY
}
