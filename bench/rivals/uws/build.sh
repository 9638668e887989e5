#!/bin/sh
# build.sh OUT compiles main.cpp with the checkout of uWebSockets in $UWEBSOCKETS, its submodule
# uSockets included, without TLS and compression.
set -eu
here=$(dirname "$0")
objects=$(mktemp -d)
trap 'rm -rf "$objects"' EXIT
sources="$UWEBSOCKETS/uSockets/src"
for file in "$sources"/*.c "$sources"/eventing/*.c; do
	gcc -O3 -DLIBUS_NO_SSL -I "$sources" -c "$file" -o "$objects/$(basename "$file").o"
done
g++ -std=c++20 -O3 -DLIBUS_NO_SSL -DUWS_NO_ZLIB -I "$sources" -I "$UWEBSOCKETS/src" "$here/main.cpp" "$objects"/*.o -pthread -o "$1"
