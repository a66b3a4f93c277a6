#!/usr/bin/env bash
# Makes .venv with what a target of the Makefile needs; does nothing when that is there already.
#
#     scripts/set_up.sh runtime    # libtorch: to build and run ferrome, and to make its wheel
#     scripts/set_up.sh test       # and what the tests and benchmarks need
#
# stdout stays empty; everything said goes to stderr.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
unfinished=$venv/.unfinished
rust_needed=1.95
python_needed=3.11

say() {
    echo "set_up: $*" >&2
}

missing=0
lacks() { # what is missing, the command that mends it
    say "missing: $1"
    say "    $2"
    missing=1
}

at_least() { # version, version needed
    [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

check_rust() {
    local install="curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y && . ~/.cargo/env"
    if ! command -v cargo >/dev/null || ! command -v rustc >/dev/null; then
        lacks "Rust $rust_needed or newer (cargo and rustc)" "$install"
        return
    fi
    # With rustup, asking for the version brings the toolchain that rust-toolchain.toml names.
    local version
    version=$(cd "$root" && rustc --version 2>/dev/null | cut -d ' ' -f 2) || version=
    if [ -z "$version" ]; then
        lacks "the Rust toolchain that rust-toolchain.toml names" "(cd $root && rustup toolchain install)"
    elif ! at_least "$version" "$rust_needed"; then
        lacks "Rust $rust_needed or newer; $(command -v rustc) is $version" "$install"
    fi
}

check_python() {
    if ! command -v python3 >/dev/null; then
        lacks "Python $python_needed or newer" "sudo apt-get install python3 python3-venv"
        return
    fi
    local version
    version=$(python3 -c 'import platform; print(platform.python_version())')
    if ! at_least "$version" "$python_needed"; then
        lacks "Python $python_needed or newer; $(command -v python3) is $version" \
            "sudo apt-get install python3 python3-venv    # on Debian 12 or newer"
    elif ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        lacks "Python's venv" "sudo apt-get install python3-venv"
    fi
}

check_compiler() {
    local compiler=${CXX:-c++}
    if ! printf '#include <vector>\nint main() {}\n' | ${compiler} -x c++ - -o /dev/null 2>/dev/null; then
        lacks "a C++ compiler (\`$compiler\` does not compile and link)" "sudo apt-get install g++"
    fi
}

check_prerequisites() {
    check_rust
    check_python
    check_compiler
    if [ "$missing" = 1 ]; then
        say "install what is missing, and run the same command again"
        exit 1
    fi
}

driver_is_there() {
    [ -e /dev/nvidiactl ] || ldconfig -p 2>/dev/null | grep -q 'libcuda\.so\.1'
}

check_space() { # GB
    local free
    free=$(($(df --output=avail --block-size=1M "$venv" | tail -n 1) / 1000))
    if [ "$free" -lt "$1" ]; then
        say "$venv needs about $1 GB of free space, and its disk has $free GB: make room, and run the same command again"
        exit 1
    fi
}

# What an installation was made from; another answer means that it has to be made again.
origin() { # requirement files
    (cd "$root/scripts" && python3 --version && cat set_up.sh "$@") | sha256sum | cut -d ' ' -f 1
}

stamp_holds() { # stamp, origin
    [ ! -e "$unfinished" ] && [ "$(cat "$1" 2>/dev/null)" = "$2" ] && [ -e "$venv/libtorch/lib/libtorch_cpu.so" ]
}

# A .venv in which an installation was cut short may hold half a package that looks whole: it is made anew.
make_venv() {
    if [ -e "$unfinished" ]; then
        say "an earlier installation was cut short: starting again"
        rm -rf "$venv"
    fi
    if ! "$venv/bin/python" -c '' 2>/dev/null; then
        say "making $venv"
        rm -rf "$venv"
        python3 -m venv "$venv"
    fi
}

install() { # arguments of pip install
    PIP_DISABLE_PIP_VERSION_CHECK=1 "$venv/bin/python" -m pip install --quiet --upgrade "$@" >&2
}

# .cargo/config.toml points LIBTORCH here, whatever the version of Python is.
link_libtorch() {
    local site
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    ln -sfn "${site#"$venv"/}/torch" "$venv/libtorch"
    if [ ! -e "$venv/libtorch/lib/libtorch_cpu.so" ]; then
        say "torch was installed, but $venv/libtorch/lib/libtorch_cpu.so is not there"
        exit 1
    fi
}

# Runs an installation, and leaves its stamp only when all of it succeeded. One that is made again takes no room.
install_once() { # stamp, origin, function, GB
    if stamp_holds "$1" "$2"; then
        return
    fi
    make_venv
    if [ ! -e "$1" ]; then
        check_space "$4"
    fi
    rm -f "$1"
    touch "$unfinished"
    "$3"
    link_libtorch
    echo "$2" >"$1"
    rm "$unfinished"
}

install_runtime() {
    say "installing libtorch 2.11.0 (torch without its dependencies; about 600 MB to download) and cmake"
    install --no-deps --requirement "$root/scripts/requirements-runtime.txt"
}

install_cuda() {
    say "an NVIDIA driver is here: installing torch 2.11.0 with its CUDA libraries (about 3 GB to download)"
    install torch==2.11.0 cmake maturin --constraint "$root/scripts/requirements-test.txt"
}

# What requirements-test.txt names, in parts, so that a wheel and what was unpacked from it lie on the disk together for one
# part at a time only. All of it is named there, so pip need not look for more; triton is for graphics cards alone.
install_tested_packages() {
    local wanted=$root/scripts/requirements-test.txt part
    for part in '^torch==' '^nvidia-cublas==' '^nvidia-cudnn' '^nvidia-'; do
        install --no-deps $(grep -E "$part" "$wanted")
    done
    install --no-deps $(grep -vE '^(#|$|torch==|nvidia-|triton==)' "$wanted")
}

install_test() {
    say "installing what the tests need: torch, transformers, fair-esm, scanpy, rdkit, pytest (about 3 GB to download)"
    install_tested_packages
    # Its build wants pkg_resources, which only older versions of setuptools have, such as the one that was installed.
    install --no-deps --no-build-isolation umi-tools==1.1.6
    # What wrote and read token folders in Geneformer's days; in a folder of its own, for PYTHONPATH.
    install --no-deps --target "$venv/datasets-2.21" datasets==2.21.0
    # For benches/drug: as late as it goes without cuik_molmaker, which PyPI has no build of; in a folder of its own.
    install --no-deps --target "$venv/chemprop" chemprop==2.2.1 lightning==2.6.6 pytorch-lightning==2.6.6 \
        lightning-utilities==0.15.3 torchmetrics==1.9.0 configargparse==1.9.0 astartes==1.3.3 rich==15.0.0 \
        descriptastorus==2.8.0 markdown-it-py==4.3.0 mdurl==0.1.2 pandas_flavor==0.8.1 xarray==2026.9.0 psutil==7.2.2 \
        six==1.17.0 tabulate==0.10.0
    "$root/scripts/get_chromium.sh" >&2
}

set_up_runtime() {
    local test_origin
    test_origin=$(origin requirements-test.txt)
    if stamp_holds "$venv/.stamp-test" "$test_origin"; then
        return # holds all that building and running need
    fi
    if driver_is_there; then
        install_once "$venv/.stamp-cuda" "$(origin requirements-test.txt)" install_cuda 8
    else
        install_once "$venv/.stamp-runtime" "$(origin requirements-runtime.txt)" install_runtime 3
    fi
}

set_up_test() {
    install_once "$venv/.stamp-test" "$(origin requirements-test.txt)" install_test 8
}

check_prerequisites
exec 9<"$root" && flock 9 # one installation at a time
case "${1:-}" in
    runtime) set_up_runtime ;;
    test) set_up_test ;;
    *)
        say "expected \`runtime\` or \`test\`, found \`${1:-}\`"
        exit 2
        ;;
esac
