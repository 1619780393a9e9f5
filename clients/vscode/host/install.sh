#!/bin/sh
# Install the editor that the extension is tested in (Code-OSS, as code-server packs it, and the Node.js its server
# wants) into the folder given. No package's install script runs; what they would have compiled is done without.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${1:?"usage: install.sh FOLDER"}
wanted=$(cat "$here"/package-lock.json "$here"/spdlog.cjs "$0" | sha256sum)
if [ "$(cat "$target/installed" 2>/dev/null)" = "$wanted" ]; then exit 0; fi
if [ "$(uname -sm)" != "Linux x86_64" ]; then
  echo "The editor for tests comes with Node.js for Linux on x86-64 only; this is $(uname -sm)" >&2
  exit 1
fi

echo "Installing the editor for tests: its packages …"
mkdir -p "$target"
rm -f "$target/installed"
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$target/"
(cd "$target" && npm ci --omit=dev --ignore-scripts --loglevel=error >/dev/null)

# Each folder has a lock of its own that npm keeps to; `npm ci` would want the packages of all platforms.
code=$target/node_modules/code-server/lib/vscode
for folder in "$code" "$code/extensions"; do
  echo "Installing the editor for tests: ${folder#"$target/node_modules/"} …"
  (cd "$folder" && npm install --omit=dev --ignore-scripts --no-save --no-fund --no-audit --loglevel=error >/dev/null)
done

# The editor writes its output channels through this module, whose compiled part is missing.
cp "$here/spdlog.cjs" "$code/node_modules/@vscode/spdlog/index.js"
echo "$wanted" > "$target/installed"
