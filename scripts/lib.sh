# shellcheck shell=bash
# lib.sh - what the scripts share: where they are, how they install, how they time and count.
#
# Source it first; it leaves the caller in the root of the project.  Needs bash and nothing else.
# A stage is a function or command that is run by itself, with its seconds printed; it never ends the
# script.  A check is a stage that tests something: the last line of the form "N passed, N failed"
# that it prints is added to the totals, and one that prints none counts as one.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root" || exit 2
program=$0
case $program in "$root"/*) program=${program#"$root"/} ;; esac
# shellcheck disable=SC2034 # for those who source this
jobs=$(nproc 2>/dev/null || echo 2)
export TARN_SHARED=${TARN_SHARED:-$root/../shared}
total_passed=0 total_failed=0 total_skipped=0
stage_status=0 # of the last stage
stage_lines=() # what the summary prints

say() { printf '%s\n' "$*"; }

die() { # a wrong call, or a machine that lacks what cannot be installed
    printf '%s: %s\n' "$program" "$*" >&2
    exit 2
}

has() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif has sudo; then
        sudo "$@"
    else
        die "needs root or sudo to run: $*"
    fi
}

# quietly LOG COMMAND...: its output goes to build/log/LOG.log and is shown only where it fails.
quietly() {
    local log=build/log/$1.log status=0
    shift
    mkdir -p build/log
    "$@" >"$log" 2>&1 || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 40 "$log"
        say "failed with $status: $* (all of it: $log)"
    fi
    return "$status"
}

# again COMMAND...: a download, tried three times.
again() {
    "$@" || { sleep 5 && "$@"; } || { sleep 20 && "$@"; }
}

# install_packages WHY PACKAGE...: by apt, only those that are missing, and says so.
install_packages() {
    local why=$1 name missing=() options=(-q -y --no-install-recommends)
    shift
    for name in "$@"; do
        dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null | grep -q '^installed' ||
            missing+=("$name")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    has apt-get || die "to $why, please install what Debian calls: ${missing[*]}"
    say "installing, to $why: ${missing[*]}"
    # A machine that is thrown away need not have each file of a package forced to its disk.
    [ -z "${CI:-}" ] || options+=(-o Dpkg::Options::=--force-unsafe-io)
    [ -n "${apt_updated:-}" ] || again quietly apt-update as_root apt-get -q update || return
    apt_updated=yes
    again quietly apt-install as_root env DEBIAN_FRONTEND=noninteractive apt-get "${options[@]}" \
        install "${missing[@]}"
}

# python_packages NAME WHY PACKAGE...: a virtual environment in build/venv/NAME, made anew when the
# list changes.
python_packages() {
    local name=$1 why=$2 where=build/venv/$1
    shift 2
    [ "$(cat "$where/packages" 2>/dev/null)" != "$*" ] || return 0
    say "installing into $where, to $why: $*"
    rm -rf "$where"
    mkdir -p build/venv
    quietly "venv-$name" python3 -m venv "$where" || return
    again quietly "venv-$name" "$where/bin/python" -m pip --disable-pip-version-check -q install "$@" ||
        return
    printf '%s' "$*" >"$where/packages"
}

# Reads the closing line of a log into passed, failed and skipped; false where there is none.
# shellcheck disable=SC2034
read_counts() {
    local line
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?$' "$1" | tail -n 1)
    [ -n "$line" ] || return 1
    passed=${line%% passed*}
    failed=${line#*passed, } failed=${failed%% failed*}
    skipped=0
    case $line in *skipped) skipped=${line##*failed, } skipped=${skipped%% skipped} ;; esac
}

stage() {
    local name=$1 began=$SECONDS
    shift
    mkdir -p build/log
    stage_log=build/log/stage-${name//[^A-Za-z0-9]/-}.log
    say
    say "== $name"
    set +e # the stage itself stops at its first fault; the script goes on
    (set -e; "$@") 2>&1 | tee "$stage_log" |
        sed -u -E 's/^([0-9]+ passed, [0-9]+ failed(, [0-9]+ skipped)?)$/   (\1)/'
    stage_status=${PIPESTATUS[0]}
    set -e
    stage_seconds=$((SECONDS - began))
    if [ "$stage_status" -eq 0 ]; then
        stage_lines+=("$(printf '%6d s  %s' "$stage_seconds" "$name")")
    else
        stage_lines+=("$(printf '%6d s  %s: FAILED with %d' "$stage_seconds" "$name" "$stage_status")")
        total_failed=$((total_failed + 1))
    fi
    say "-- $name: $stage_seconds s"
}

check() {
    local passed=0 failed=0 skipped=0 before=$total_failed
    stage "$@"
    total_failed=$before
    if ! read_counts "$stage_log"; then
        if [ "$stage_status" -eq 0 ]; then passed=1; else failed=1; fi
    elif [ "$stage_status" -ne 0 ] && [ "$failed" -eq 0 ]; then
        failed=1
    fi
    total_passed=$((total_passed + passed))
    total_failed=$((total_failed + failed))
    total_skipped=$((total_skipped + skipped))
}

# The closing lines, and the exit code: non-zero where anything failed, or nothing was tested.
summary() {
    say
    say "seconds a stage:"
    printf '%s\n' "${stage_lines[@]}"
    say
    if [ "$total_skipped" -gt 0 ]; then
        say "$total_passed passed, $total_failed failed, $total_skipped skipped"
    else
        say "$total_passed passed, $total_failed failed"
    fi
    [ "$total_failed" -eq 0 ] && [ "$total_passed" -gt 0 ]
}
