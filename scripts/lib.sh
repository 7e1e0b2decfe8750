# Shared by the scripts beside it: where tools live, how to say things, how to become able to install.
# Sourced, never run.

# Everything that is installed once lives here, outside the checkout.
VESTIBULE_TOOLS="${VESTIBULE_TOOLS:-$HOME/.cache/vestibule}"
export VESTIBULE_TOOLS
export PATH="$VESTIBULE_TOOLS/bin:$PATH"

say() { printf '%s\n' "$*"; }

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# Installs Debian packages when this is Debian and we are root (or may become it without a password);
# otherwise returns non-zero so that the caller can name what is missing.
debian_install() {
    have apt-get || return 1
    local become=()
    if [ "$(id -u)" -ne 0 ]; then
        have sudo && sudo -n true 2>/dev/null || return 1
        become=(sudo -n)
    fi
    local quiet=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0)
    # A list that is already there is tried first: a mirror that cannot be refreshed must not stop us.
    "${become[@]}" "${quiet[@]}" install -y --no-install-recommends "$@" >/dev/null 2>&1 && return 0
    "${become[@]}" "${quiet[@]}" update >/dev/null || return 1
    "${become[@]}" "${quiet[@]}" install -y --no-install-recommends "$@" >/dev/null
}

# Runs a function while holding a lock, so that two checkouts do not install into one cache at once.
with_lock() {
    mkdir -p "$VESTIBULE_TOOLS"
    exec 9>"$VESTIBULE_TOOLS/.lock"
    if have flock; then flock 9; fi
    "$@"
    exec 9>&-
}
