# shellcheck shell=bash
# What all programs in this folder share: a virtual environment in .venv. To be sourced, not run.

# Set for other programs, these would make ours import other packages, or not even start.
unset PYTHONPATH PYTHONHOME

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
venv=$root/.venv

say() { printf '%s\n' "$@" >&2; }

fail() {
    say "$@"
    exit 2
}

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
complete="import ensurepip, venv; $new_enough"

# find_python CONDITION: prints the first Python that runs these statements without an error; it tries $PYTHON first.
find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.11 python3.12 python3.13 python3.14 /usr/bin/python3; do
        if [[ -n $candidate ]] && "$candidate" -c "$1" >/dev/null 2>&1; then
            command -v "$candidate"
            return
        fi
    done
    return 1
}

# install_packages NAME...: installs packages of the distribution as root; for other users, prints the command.
install_packages() {
    if ! command -v apt-get >/dev/null; then
        fail "These Debian packages, or their equivalents on this system, are missing: $*"
    fi
    if ((EUID != 0)); then
        fail "Some packages are missing. Install them, then try again:" "    sudo apt-get install -y $*"
    fi
    say "Installing $* ..."
    export DEBIAN_FRONTEND=noninteractive
    # A service that a package starts must not inherit the lock.
    apt-get update -qq </dev/null >/dev/null 9>&- || say "Not all lists of packages could be renewed."
    apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null 9>&- && return
    say "These packages could not be installed: $*"
    return 2
}

# has_chromium: whether there is a Chromium that runs; on Ubuntu, the program of this name only points to a snap.
has_chromium() {
    local program
    for program in chromium chromium-browser google-chrome; do
        "$program" --version >/dev/null 2>&1 && return
    done
    return 1
}

# need_packages KIND: makes sure that the system has what is needed: for tests and measurements also DCMTK, whose clients
# send to the node, and for tests also strace, which shows the order of system calls.
need_packages() {
    local missing=()
    if ! has_environment run && ! find_python "$complete" >/dev/null; then
        if command -v python3 >/dev/null && ! find_python "$new_enough" >/dev/null; then
            fail "Python 3.11 or newer is needed; this is $(python3 --version). PYTHON=... names another one."
        fi
        missing+=(python3-venv)
    fi
    # pynetdicom brings a storescu of its own, but no dcmsend.
    [[ $1 != test && $1 != bench ]] || command -v dcmsend >/dev/null || missing+=(dcmtk)
    [[ $1 != test ]] || command -v strace >/dev/null || missing+=(strace)
    # Without Chromium, tests in a browser are skipped, so it is not an error if it cannot be installed.
    if [[ $1 == test ]] && ! has_chromium; then
        if ((EUID != 0)) || ! command -v apt-get >/dev/null || ! install_packages chromium || ! has_chromium; then
            say "There is no Chromium: tests of the console in a browser will be skipped (apt-get install chromium)."
        fi
    fi
    if ((${#missing[@]})); then
        install_packages "${missing[@]}"
    fi
}

# stamp: prints a text that changes whenever the environment must be made again.
stamp() {
    {
        printf '%s\n' "$root"
        cat "$root/pyproject.toml" "$root/constraints.txt" "$root/scp/version.py"
    } | sha256sum
}

# has_environment run|test: whether .venv is up to date, for running or also for tests, and works: after an upgrade of
# the system, another version of Python would look for the packages in another folder.
has_environment() {
    [[ -x $venv/bin/python && -f $venv/$1.stamp && $(<"$venv/$1.stamp") == "$(stamp)" ]] &&
        "$venv/bin/python" -I -c "import scp" 2>/dev/null
}

# pip_install REQUIREMENT...: installs into .venv, even if the user's configuration of pip says --user.
pip_install() {
    PIP_USER=0 "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
        --constraint "$root/constraints.txt" "$@" </dev/null >&2 && return
    fail "Python packages could not be installed; the reason is above. They come from the network, or from a mirror of" \
        "the package index if pip is configured for one (PIP_INDEX_URL=... or \"pip config set global.index-url ...\")."
}

# make_environment run|test
make_environment() {
    local python target=$root
    if ! has_environment run; then
        python=$(find_python "$complete") || fail "Python 3.11 or newer is needed, with the modules venv and ensurepip."
        if [[ -n ${PYTHON:-} && $python != "$(command -v "$PYTHON")" ]]; then
            say "PYTHON=$PYTHON is not taken: it is not Python 3.11 or newer with the modules venv and ensurepip."
        fi
        say "Making .venv with $("$python" --version) ..."
        "$python" -m venv --clear "$venv"
        pip_install hatchling editables
    fi
    [[ $1 == run ]] || target+="[test]"
    pip_install --no-build-isolation --editable "$target"
    # Before 3.13, Python does not start if a path in a .pth file has characters that its locale lacks: use a relative one.
    printf '../../../..\n' | tee "$venv"/lib/python*/site-packages/_editable_impl_auditscp.pth >/dev/null
    stamp >"$venv/run.stamp"
    [[ $1 == run ]] || stamp >"$venv/test.stamp"
}

# set_up run|check|test|bench: makes .venv unless it is up to date; the lock keeps two programs from doing so at once.
set_up() {
    local environment=test
    [[ $1 != run ]] || environment=run
    (
        flock 9
        need_packages "$1"
        has_environment "$environment" || make_environment "$environment"
    ) 9>"$root/.venv.lock"
}
