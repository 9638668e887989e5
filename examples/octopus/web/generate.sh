#!/bin/sh
# Makes the client of the page anew: prints the document of the API, makes types of
# it, checks app.ts against them and bundles it into ../page/app.js. It needs Go and
# Node.js 20 or newer; "make octopus-client" calls it.
set -eu
cd "$(dirname "$0")"

go run .. -openapi json >openapi.json.new
mv openapi.json.new openapi.json
npm ci --no-audit --no-fund --loglevel=error
bin=node_modules/.bin
"$bin/openapi-typescript" openapi.json --output schema.d.ts
"$bin/tsc" --project .
"$bin/esbuild" app.ts --bundle --format=esm --target=es2022 --charset=utf8 --legal-comments=none \
	--banner:js='// Made of web/app.ts by web/generate.sh; not to be edited.
// openapi-fetch is under the MIT License, Copyright (c) 2023 Drew Powers.' --outfile=../page/app.js
