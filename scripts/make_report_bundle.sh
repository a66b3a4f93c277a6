#!/usr/bin/env bash
# Makes crates/ferrome-report/assets/scatterplot.js, what draws the points of `ferrome report`, and the licences beside it.
#
# regl-scatterplot with everything that it needs, in one minified file, from the versions that
# crates/ferrome-report/assets/package-lock.json pins with their digests. Needs npm; the same versions give the same bytes.
# With --check it says whether the files in the repository are what it makes.
#
# stdout stays empty; everything said goes to stderr.
set -euo pipefail

assets=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)/crates/ferrome-report/assets
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

say() {
    echo "make_report_bundle: $*" >&2
}

cp "$assets/package.json" "$assets/package-lock.json" "$work"
cd "$work"
# Scripts of packages are not run: esbuild's binary is a package of its own.
npm ci --ignore-scripts --no-audit --no-fund --silent >&2

echo "export { default } from 'regl-scatterplot';" >entry.js
node node_modules/esbuild/bin/esbuild entry.js --bundle --minify --format=iife --global-name=scatterplotLibrary \
    --legal-comments=none --target=es2020 --log-level=warning --outfile=scatterplot.js >&2

for package in regl-scatterplot regl regl-line pub-sub-es dom-2d-camera camera-2d-simple @flekschas/utils gl-matrix earcut; do
    version=$(node -p "require('./node_modules/$package/package.json').version")
    licence=$(ls "node_modules/$package" | grep -i '^licen[cs]e' | head -n 1)
    printf '%s %s\n\n' "$package" "$version"
    if [ -n "$licence" ]; then
        cat "node_modules/$package/$licence"
    else
        node -p "const p = require('./node_modules/$package/package.json'); \`\${p.license} (its package.json; the package holds no text). Author: \${p.author.name || p.author}\`"
    fi
    printf '\n%s\n\n' "----------------------------------------------------------------------"
done >LICENSES.txt

for file in scatterplot.js LICENSES.txt; do
    if [ "${1:-}" != --check ]; then
        cp "$file" "$assets/$file"
        say "$assets/$file, $(wc -c <"$file") bytes"
    elif ! cmp --silent "$file" "$assets/$file"; then
        say "$assets/$file is not what this script makes"
        exit 1
    fi
done
