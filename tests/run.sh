#!/usr/bin/env bash
# Checks everything from a fresh machine: installs what is missing when run as root,
# otherwise says what is missing; then format, lints, documentation, and all tests
# (tests/tidy.rs among them, which looks at the rooms' borders and the dependencies).
# Dev profile throughout; a release is built for delivery, not for checking.
set -euo pipefail
cd "$(dirname "$0")/.."

# Debian package -> a command that shows it is there.
readonly PACKAGES=(chromium:chromium chromium-driver:chromedriver gcc:cc libc6-dev:ldd)
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

# The browser is for the test of the virtual handset.
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

phase requirements requirements
phase format cargo fmt --check
phase lints cargo clippy --all-targets --locked -- -D warnings
phase documentation documentation
phase tests cargo test --locked
printf '== all passed in %d s\n' "$SECONDS"
