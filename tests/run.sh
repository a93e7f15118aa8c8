#!/usr/bin/env bash
# Checks everything from a fresh machine: installs what is missing when run as root,
# otherwise says what is missing; then format, lints, documentation, and all tests
# (tests/tidy.rs among them, which looks at the rooms' borders and the dependencies);
# last, a search of all that the tests put out for the secrets that they used.
# Dev profile throughout; a release is built for delivery, not for checking.
set -euo pipefail
cd "$(dirname "$0")/.."

# Debian package -> a command that shows it is there.
readonly PACKAGES=(chromium:chromium chromium-driver:chromedriver curl:curl gcc:cc libc6-dev:ldd
    nginx-light:nginx nodejs:node npm:npm postgresql:pg_lsclusters systemd:systemd-analyze)
readonly TOOLS=(cargo rustc cargo-fmt cargo-clippy)

# Within it a failing command does not end the script, so each says `|| return`.
phase() {
    local name=$1 start=$SECONDS
    shift
    printf '== %s\n' "$name"
    if "$@"; then
        printf '== %s: passed in %d s\n' "$name" $((SECONDS - start))
    else
        local code=$?
        printf '== %s: FAILED after %d s\n' "$name" $((SECONDS - start)) >&2
        exit "$code"
    fi
}

# The browser is for the test of the virtual handset, curl for that of the README, npm and
# node for that of a client of Vonage Verify, nginx and systemd's own checks for packaging/,
# PostgreSQL for those of the store that replicas share, which start a server of their own.
requirements() {
    local missing=() entry tool
    for entry in "${PACKAGES[@]}"; do
        command -v "${entry#*:}" >/dev/null || missing+=("${entry%%:*}")
    done
    if ((${#missing[@]} > 0)); then
        install_packages "${missing[@]}" || return 1
    fi
    for tool in "${TOOLS[@]}"; do
        if ! command -v "$tool" >/dev/null; then
            printf 'missing: %s; install Rust with rustfmt and clippy\n' "$tool" >&2
            return 1
        fi
    done
}

install_packages() {
    if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
        printf 'missing packages: %s; install them, or run this as root on Debian\n' "$*" >&2
        return 1
    fi
    apt-get update -q || return 1
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

documentation() {
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked
}

# The folder in which the tests leave all output, and the list of their secrets.
suite_folder() {
    cargo metadata --no-deps --locked --format-version 1 |
        sed -n 's/.*"target_directory":"\([^"]*\)".*/\1\/tmp\/suite/p'
}

tests() {
    rm -rf "$SUITE" && mkdir -p "$SUITE" || return
    # Far more than a cold build and every test take: what hangs is to fail, and be seen.
    # In a terminal somebody sees it, and Ctrl-C has to reach the tests.
    local limit=(timeout 50m)
    [[ -t 0 ]] && limit=()
    "${limit[@]}" cargo test --locked 2>&1 | tee "$SUITE/cargo.txt"
}

# Where in a folder's output a secret of its secrets.txt stands, without repeating it.
leaks() {
    # 1 is grep's word for "nothing found"; more is an error.
    { grep -ranHF --exclude=secrets.txt -f "$1/secrets.txt" "$1" || (($? == 1)); } |
        cut -d : -f 1,2
}

secrets() {
    local found name
    for name in secrets.txt cargo.txt serve-log.txt; do
        if ! [[ -s $SUITE/$name ]]; then
            printf 'nothing to search: %s is empty or missing\n' "$SUITE/$name" >&2
            return 1
        fi
    done
    if [[ -z $(find "$SUITE" -name 'log-*.txt' -size +0) ]]; then
        printf 'nothing to search: the tests left no log in %s\n' "$SUITE" >&2
        return 1
    fi
    # An empty line would be found everywhere, a short one by chance.
    if grep -qvE '^.{10,}$' "$SUITE/secrets.txt"; then
        printf 'a secret in %s is too short to be searched for\n' "$SUITE/secrets.txt" >&2
        return 1
    fi
    search_finds_a_planted_secret || return 1
    found=$(leaks "$SUITE") || return 1
    if [[ -n $found ]]; then
        printf 'a secret was put out at\n%s\n' "$found" >&2
        return 1
    fi
    printf '%s secrets are in none of %s files\n' \
        "$(sort -u "$SUITE/secrets.txt" | wc -l)" "$(find "$SUITE" -type f | wc -l)"
}

# In a copy with a planted line: a search that cannot fail proves nothing.
search_finds_a_planted_secret() {
    local copy found expected
    copy=$(mktemp -d) || return 1
    cp "$SUITE/secrets.txt" "$copy/" || return 1
    printf 'a line\nand <%s> in the next\n' "$(tail -n 1 "$copy/secrets.txt")" >"$copy/log.txt"
    expected="$copy/log.txt:2"
    found=$(leaks "$copy")
    rm -rf "$copy"
    if [[ $found != "$expected" ]]; then
        printf 'the search does not find a planted secret\n' >&2
        return 1
    fi
}

phase requirements requirements
phase format cargo fmt --check
phase lints cargo clippy --all-targets --locked -- -D warnings
phase documentation documentation
SUITE=$(suite_folder)
readonly SUITE
phase tests tests
phase secrets secrets
printf '== what the npm client nexmo was answered\n'
cat "$SUITE/nexmo.txt"
printf '== all passed in %d s\n' "$SECONDS"
