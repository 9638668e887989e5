// Made of web/app.ts by web/generate.sh; not to be edited.
// openapi-fetch is under the MIT License, Copyright (c) 2023 Drew Powers.

// node_modules/openapi-fetch/dist/index.mjs
var PATH_PARAM_RE = /\{[^{}]+\}/g;
var supportsRequestInitExt = () => {
  return typeof process === "object" && Number.parseInt(process?.versions?.node?.substring(0, 2)) >= 18 && process.versions.undici;
};
function randomID() {
  return Math.random().toString(36).slice(2, 11);
}
function createClient(clientOptions) {
  let {
    baseUrl = "",
    Request: CustomRequest = globalThis.Request,
    fetch: baseFetch = globalThis.fetch,
    querySerializer: globalQuerySerializer,
    bodySerializer: globalBodySerializer,
    pathSerializer: globalPathSerializer,
    headers: baseHeaders,
    requestInitExt = void 0,
    ...baseOptions
  } = { ...clientOptions };
  requestInitExt = supportsRequestInitExt() ? requestInitExt : void 0;
  baseUrl = removeTrailingSlash(baseUrl);
  const globalMiddlewares = [];
  async function coreFetch(schemaPath, fetchOptions) {
    const {
      baseUrl: localBaseUrl,
      fetch = baseFetch,
      Request = CustomRequest,
      headers,
      params = {},
      parseAs = "json",
      querySerializer: requestQuerySerializer,
      bodySerializer = globalBodySerializer ?? defaultBodySerializer,
      pathSerializer: requestPathSerializer,
      body,
      middleware: requestMiddlewares = [],
      ...init
    } = fetchOptions || {};
    let finalBaseUrl = baseUrl;
    if (localBaseUrl) {
      finalBaseUrl = removeTrailingSlash(localBaseUrl) ?? baseUrl;
    }
    let querySerializer = typeof globalQuerySerializer === "function" ? globalQuerySerializer : createQuerySerializer(globalQuerySerializer);
    if (requestQuerySerializer) {
      querySerializer = typeof requestQuerySerializer === "function" ? requestQuerySerializer : createQuerySerializer({
        ...typeof globalQuerySerializer === "object" ? globalQuerySerializer : {},
        ...requestQuerySerializer
      });
    }
    const pathSerializer = requestPathSerializer || globalPathSerializer || defaultPathSerializer;
    const serializedBody = body === void 0 ? void 0 : bodySerializer(
      body,
      // Note: we declare mergeHeaders() both here and below because it’s a bit of a chicken-or-egg situation:
      // bodySerializer() needs all headers so we aren’t dropping ones set by the user, however,
      // the result of this ALSO sets the lowest-priority content-type header. So we re-merge below,
      // setting the content-type at the very beginning to be overwritten.
      // Lastly, based on the way headers work, it’s not a simple “present-or-not” check becauase null intentionally un-sets headers.
      mergeHeaders(baseHeaders, headers, params.header)
    );
    const finalHeaders = mergeHeaders(
      // with no body, we should not to set Content-Type
      serializedBody === void 0 || // if serialized body is FormData; browser will correctly set Content-Type & boundary expression
      serializedBody instanceof FormData ? {} : {
        "Content-Type": "application/json"
      },
      baseHeaders,
      headers,
      params.header
    );
    const finalMiddlewares = [...globalMiddlewares, ...requestMiddlewares];
    const requestInit = {
      redirect: "follow",
      ...baseOptions,
      ...init,
      body: serializedBody,
      headers: finalHeaders
    };
    let id;
    let options;
    let request = new Request(
      createFinalURL(schemaPath, { baseUrl: finalBaseUrl, params, querySerializer, pathSerializer }),
      requestInit
    );
    let response;
    for (const key in init) {
      if (!(key in request)) {
        request[key] = init[key];
      }
    }
    if (finalMiddlewares.length) {
      id = randomID();
      options = Object.freeze({
        baseUrl: finalBaseUrl,
        fetch,
        parseAs,
        querySerializer,
        bodySerializer,
        pathSerializer
      });
      for (const m of finalMiddlewares) {
        if (m && typeof m === "object" && typeof m.onRequest === "function") {
          const result = await m.onRequest({
            request,
            schemaPath,
            params,
            options,
            id
          });
          if (result) {
            if (result instanceof Request) {
              request = result;
            } else if (result instanceof Response) {
              response = result;
              break;
            } else {
              throw new Error("onRequest: must return new Request() or Response() when modifying the request");
            }
          }
        }
      }
    }
    if (!response) {
      try {
        response = await fetch(request, requestInitExt);
      } catch (error2) {
        let errorAfterMiddleware = error2;
        if (finalMiddlewares.length) {
          for (let i = finalMiddlewares.length - 1; i >= 0; i--) {
            const m = finalMiddlewares[i];
            if (m && typeof m === "object" && typeof m.onError === "function") {
              const result = await m.onError({
                request,
                error: errorAfterMiddleware,
                schemaPath,
                params,
                options,
                id
              });
              if (result) {
                if (result instanceof Response) {
                  errorAfterMiddleware = void 0;
                  response = result;
                  break;
                }
                if (result instanceof Error) {
                  errorAfterMiddleware = result;
                  continue;
                }
                throw new Error("onError: must return new Response() or instance of Error");
              }
            }
          }
        }
        if (errorAfterMiddleware) {
          throw errorAfterMiddleware;
        }
      }
      if (finalMiddlewares.length) {
        for (let i = finalMiddlewares.length - 1; i >= 0; i--) {
          const m = finalMiddlewares[i];
          if (m && typeof m === "object" && typeof m.onResponse === "function") {
            const result = await m.onResponse({
              request,
              response,
              schemaPath,
              params,
              options,
              id
            });
            if (result) {
              if (!(result instanceof Response)) {
                throw new Error("onResponse: must return new Response() when modifying the response");
              }
              response = result;
            }
          }
        }
      }
    }
    const contentLength = response.headers.get("Content-Length");
    if (response.status === 204 || request.method === "HEAD" || contentLength === "0" && !response.headers.get("Transfer-Encoding")?.includes("chunked")) {
      return response.ok ? { data: void 0, response } : { error: void 0, response };
    }
    if (response.ok) {
      const getResponseData = async () => {
        if (parseAs === "stream") {
          return response.body;
        }
        if (parseAs === "json" && !contentLength) {
          const raw = await response.text();
          return raw ? JSON.parse(raw) : void 0;
        }
        return await response[parseAs]();
      };
      return { data: await getResponseData(), response };
    }
    let error = await response.text();
    try {
      error = JSON.parse(error);
    } catch {
    }
    return { error, response };
  }
  return {
    request(method, url, init) {
      return coreFetch(url, { ...init, method: method.toUpperCase() });
    },
    /** Call a GET endpoint */
    GET(url, init) {
      return coreFetch(url, { ...init, method: "GET" });
    },
    /** Call a PUT endpoint */
    PUT(url, init) {
      return coreFetch(url, { ...init, method: "PUT" });
    },
    /** Call a POST endpoint */
    POST(url, init) {
      return coreFetch(url, { ...init, method: "POST" });
    },
    /** Call a DELETE endpoint */
    DELETE(url, init) {
      return coreFetch(url, { ...init, method: "DELETE" });
    },
    /** Call a OPTIONS endpoint */
    OPTIONS(url, init) {
      return coreFetch(url, { ...init, method: "OPTIONS" });
    },
    /** Call a HEAD endpoint */
    HEAD(url, init) {
      return coreFetch(url, { ...init, method: "HEAD" });
    },
    /** Call a PATCH endpoint */
    PATCH(url, init) {
      return coreFetch(url, { ...init, method: "PATCH" });
    },
    /** Call a TRACE endpoint */
    TRACE(url, init) {
      return coreFetch(url, { ...init, method: "TRACE" });
    },
    /** Register middleware */
    use(...middleware) {
      for (const m of middleware) {
        if (!m) {
          continue;
        }
        if (typeof m !== "object" || !("onRequest" in m || "onResponse" in m || "onError" in m)) {
          throw new Error("Middleware must be an object with one of `onRequest()`, `onResponse() or `onError()`");
        }
        globalMiddlewares.push(m);
      }
    },
    /** Unregister middleware */
    eject(...middleware) {
      for (const m of middleware) {
        const i = globalMiddlewares.indexOf(m);
        if (i !== -1) {
          globalMiddlewares.splice(i, 1);
        }
      }
    }
  };
}
function serializePrimitiveParam(name, value, options) {
  if (value === void 0 || value === null) {
    return "";
  }
  if (typeof value === "object") {
    throw new Error(
      "Deeply-nested arrays/objects aren’t supported. Provide your own `querySerializer()` to handle these."
    );
  }
  return `${name}=${options?.allowReserved === true ? value : encodeURIComponent(value)}`;
}
function serializeObjectParam(name, value, options) {
  if (!value || typeof value !== "object") {
    return "";
  }
  const values = [];
  const joiner = {
    simple: ",",
    label: ".",
    matrix: ";"
  }[options.style] || "&";
  if (options.style !== "deepObject" && options.explode === false) {
    for (const k in value) {
      values.push(k, options.allowReserved === true ? value[k] : encodeURIComponent(value[k]));
    }
    const final2 = values.join(",");
    switch (options.style) {
      case "form": {
        return `${name}=${final2}`;
      }
      case "label": {
        return `.${final2}`;
      }
      case "matrix": {
        return `;${name}=${final2}`;
      }
      default: {
        return final2;
      }
    }
  }
  for (const k in value) {
    const finalName = options.style === "deepObject" ? `${name}[${k}]` : k;
    values.push(serializePrimitiveParam(finalName, value[k], options));
  }
  const final = values.join(joiner);
  return options.style === "label" || options.style === "matrix" ? `${joiner}${final}` : final;
}
function serializeArrayParam(name, value, options) {
  if (!Array.isArray(value)) {
    return "";
  }
  if (options.explode === false) {
    const joiner2 = { form: ",", spaceDelimited: "%20", pipeDelimited: "|" }[options.style] || ",";
    const final = (options.allowReserved === true ? value : value.map((v) => encodeURIComponent(v))).join(joiner2);
    switch (options.style) {
      case "simple": {
        return final;
      }
      case "label": {
        return `.${final}`;
      }
      case "matrix": {
        return `;${name}=${final}`;
      }
      // case "spaceDelimited":
      // case "pipeDelimited":
      default: {
        return `${name}=${final}`;
      }
    }
  }
  const joiner = { simple: ",", label: ".", matrix: ";" }[options.style] || "&";
  const values = [];
  for (const v of value) {
    if (options.style === "simple" || options.style === "label") {
      values.push(options.allowReserved === true ? v : encodeURIComponent(v));
    } else {
      values.push(serializePrimitiveParam(name, v, options));
    }
  }
  return options.style === "label" || options.style === "matrix" ? `${joiner}${values.join(joiner)}` : values.join(joiner);
}
function createQuerySerializer(options) {
  return function querySerializer(queryParams) {
    const search = [];
    if (queryParams && typeof queryParams === "object") {
      for (const name in queryParams) {
        const value = queryParams[name];
        if (value === void 0 || value === null) {
          continue;
        }
        if (Array.isArray(value)) {
          if (value.length === 0) {
            continue;
          }
          search.push(
            serializeArrayParam(name, value, {
              style: "form",
              explode: true,
              ...options?.array,
              allowReserved: options?.allowReserved || false
            })
          );
          continue;
        }
        if (typeof value === "object") {
          search.push(
            serializeObjectParam(name, value, {
              style: "deepObject",
              explode: true,
              ...options?.object,
              allowReserved: options?.allowReserved || false
            })
          );
          continue;
        }
        search.push(serializePrimitiveParam(name, value, options));
      }
    }
    return search.join("&");
  };
}
function defaultPathSerializer(pathname, pathParams) {
  let nextURL = pathname;
  for (const match of pathname.match(PATH_PARAM_RE) ?? []) {
    let name = match.substring(1, match.length - 1);
    let explode = false;
    let style = "simple";
    if (name.endsWith("*")) {
      explode = true;
      name = name.substring(0, name.length - 1);
    }
    if (name.startsWith(".")) {
      style = "label";
      name = name.substring(1);
    } else if (name.startsWith(";")) {
      style = "matrix";
      name = name.substring(1);
    }
    if (!pathParams || pathParams[name] === void 0 || pathParams[name] === null) {
      continue;
    }
    const value = pathParams[name];
    if (Array.isArray(value)) {
      nextURL = nextURL.replace(match, serializeArrayParam(name, value, { style, explode }));
      continue;
    }
    if (typeof value === "object") {
      nextURL = nextURL.replace(match, serializeObjectParam(name, value, { style, explode }));
      continue;
    }
    if (style === "matrix") {
      nextURL = nextURL.replace(match, `;${serializePrimitiveParam(name, value)}`);
      continue;
    }
    nextURL = nextURL.replace(match, style === "label" ? `.${encodeURIComponent(value)}` : encodeURIComponent(value));
  }
  return nextURL;
}
function defaultBodySerializer(body, headers) {
  if (body instanceof FormData) {
    return body;
  }
  if (headers) {
    const contentType = headers.get instanceof Function ? headers.get("Content-Type") ?? headers.get("content-type") : headers["Content-Type"] ?? headers["content-type"];
    if (contentType === "application/x-www-form-urlencoded") {
      return new URLSearchParams(body).toString();
    }
  }
  return JSON.stringify(body);
}
function createFinalURL(pathname, options) {
  let finalURL = `${options.baseUrl}${pathname}`;
  if (options.params?.path) {
    finalURL = options.pathSerializer(finalURL, options.params.path);
  }
  let search = options.querySerializer(options.params.query ?? {});
  if (search.startsWith("?")) {
    search = search.substring(1);
  }
  if (search) {
    finalURL += `?${search}`;
  }
  return finalURL;
}
function mergeHeaders(...allHeaders) {
  const finalHeaders = new Headers();
  for (const h of allHeaders) {
    if (!h || typeof h !== "object") {
      continue;
    }
    const iterator = h instanceof Headers ? h.entries() : Object.entries(h);
    for (const [k, v] of iterator) {
      if (v === null) {
        finalHeaders.delete(k);
      } else if (Array.isArray(v)) {
        for (const v2 of v) {
          finalHeaders.append(k, v2);
        }
      } else if (v !== void 0) {
        finalHeaders.set(k, v);
      }
    }
  }
  return finalHeaders;
}
function removeTrailingSlash(url) {
  if (url.endsWith("/")) {
    return url.substring(0, url.length - 1);
  }
  return url;
}

// client.ts
var Refused = class extends Error {
  constructor(status, problem) {
    super(problem.detail || problem.title || `the server answered ${status}`);
    this.status = status;
  }
  status;
};
function connect(token, expired) {
  const session2 = {
    onRequest({ request }) {
      const have = token();
      if (have) request.headers.set("Authorization", `Bearer ${have}`);
      return request;
    },
    onResponse({ response }) {
      if (response.status === 401 && token()) expired();
    }
  };
  const client = createClient();
  client.use(session2);
  return client;
}
async function done(call) {
  const { data, error, response } = await call;
  if (!response.ok) throw new Refused(response.status, typeof error === "object" && error ? error : {});
  return data;
}

// elements.ts
function at(id) {
  return document.getElementById(id);
}
var button = (id) => at(id);
var form = (id) => at(id);
function field(of, name) {
  return of.elements.namedItem(name);
}
function label(id, text) {
  at(id).textContent = text;
}
function element(name, className = "", text) {
  const e = document.createElement(name);
  if (className) e.className = className;
  if (text !== void 0) e.textContent = text;
  return e;
}
var toastTimer = 0;
function toast(err) {
  label("toast", err instanceof Error ? err.message : String(err));
  at("toast").classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => at("toast").classList.remove("shown"), 4e3);
}
function guard(f) {
  return async (...args) => {
    try {
      await f(...args);
    } catch (err) {
      toast(err);
    }
  };
}
var size = (n) => n < 1024 ? `${n} B` : n < 1 << 20 ? `${(n / 1024).toFixed(1)} KB` : `${(n / (1 << 20)).toFixed(1)} MB`;

// files.ts
var address = (f) => `/files/${encodeURIComponent(f.entry)}`;
var players = [
  [/\.(wav|mp3|ogg|oga|opus|flac|m4a|weba)$/i, "audio"],
  [/\.(mp4|webm|ogv|mov)$/i, "video"],
  [/\.(png|jpe?g|gif|webp|avif)$/i, "img"]
];
async function loadFiles(api2) {
  const files = await done(api2.GET("/api/v1/uploads"));
  at("files").replaceChildren(...files.map((f) => {
    const li = element("li"), a = element("a", "", f.name), save = element("a", "save", "↓");
    a.href = address(f);
    a.title = `${f.name}, from ${f.by}`;
    const player = players.find(([ext]) => ext.test(f.entry))?.[1];
    if (player) {
      li.className = player;
      a.onclick = (event) => {
        event.preventDefault();
        play(f, player);
      };
    }
    save.href = `/api/v1/uploads/${f.id}`;
    save.title = save.ariaLabel = `save ${f.name}`;
    li.append(a, element("span", "count", size(f.size)), save);
    return li;
  }));
  if (!files.length) at("files").append(element("li", "count", "none yet"));
}
function play(f, as) {
  const player = element(as);
  if (player instanceof HTMLMediaElement) {
    player.controls = player.autoplay = true;
    player.preload = "metadata";
  } else {
    player.alt = f.name;
  }
  player.src = address(f);
  label("playing", `${f.name}, from ${f.by}`);
  at("stage").replaceChildren(player);
  at("player").hidden = false;
}
at("stop").onclick = () => {
  at("stage").replaceChildren();
  at("player").hidden = true;
};
async function share(api2, file) {
  const id = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
  const li = element("li"), bar = element("progress"), note = element("span", "count", "0 %");
  bar.max = 1;
  bar.ariaLabel = `upload of ${file.name}`;
  li.append(element("span", "name", file.name), note, bar);
  at("uploads").append(li);
  const progress = new EventSource(`/api/v1/upload-progress/${id}`);
  progress.onmessage = ({ data }) => {
    const p = JSON.parse(data);
    const part = (p.read || 0) / Math.max(p.total || 0, 1);
    bar.value = Math.min(part, 1);
    note.textContent = `${Math.round(100 * bar.value)} %`;
    if (p.done) progress.close();
  };
  try {
    await done(api2.POST("/api/v1/uploads", {
      params: { query: { name: file.name, progress: id } },
      // The generator has no word for bytes; they are sent as they are.
      body: file,
      bodySerializer: () => file,
      headers: { "Content-Type": "application/octet-stream" }
    }));
    bar.value = 1;
    note.textContent = "100 %";
  } catch (err) {
    note.textContent = "failed";
    throw err;
  } finally {
    progress.close();
    setTimeout(() => li.remove(), 1500);
    await loadFiles(api2).catch(() => {
    });
  }
}
function takeFiles(api2, mayShare) {
  const chooser = at("file"), zone = at("shelf");
  const shareAll = (files) => Promise.all(Array.from(files, (f) => share(api2, f)));
  chooser.onchange = guard(async () => {
    const files = Array.from(chooser.files || []);
    chooser.value = "";
    await shareAll(files);
  });
  zone.ondragover = (event) => {
    if (!mayShare()) return;
    event.preventDefault();
    zone.classList.add("over");
  };
  zone.ondragleave = () => zone.classList.remove("over");
  zone.ondrop = guard(async (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    await shareAll(event.dataTransfer?.files || []);
  });
}

// live.ts
var names = {
  webtransport: "WebTransport",
  websocket: "WebSocket",
  sse: "Server-sent events"
};
var Unwritten = class extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
  status;
};
var patience = 4e3;
var Talk = class {
  constructor(ears, begun, send) {
    this.ears = ears;
    this.begun = begun;
    this.send = send;
  }
  ears;
  begun;
  send;
  last = 0;
  waiting = /* @__PURE__ */ new Map();
  take(line) {
    const { type, message, ref = 0, status = 0, detail = "" } = JSON.parse(line);
    const asked = this.waiting.get(ref);
    this.waiting.delete(ref);
    if (type === "joined") {
      this.begun();
      this.ears.joined();
    } else if (type === "refused") {
      asked?.fail(new Unwritten(status, detail));
    } else if (type === "written") {
      asked?.done();
    } else if (message) {
      this.ears.heard({ type, message });
    }
  }
  write = (text, token) => new Promise((done2, fail) => {
    this.waiting.set(++this.last, { done: done2, fail });
    this.send(JSON.stringify({ ref: this.last, token, text }));
  });
  end() {
    for (const asked of this.waiting.values()) asked.fail(new Error("the connection was lost; look whether your message is there"));
    this.waiting.clear();
  }
};
function path(reef, what) {
  return `/api/v1/reefs/${encodeURIComponent(reef)}/${what}`;
}
function events(reef, ears) {
  const source = new EventSource(path(reef, "events"));
  return new Promise((made, failed) => {
    let end = (_) => {
    }, known = false;
    const over = new Promise((done2) => {
      end = done2;
    });
    const close = () => {
      source.close();
      end();
    };
    source.onopen = () => {
      made({ kind: "sse", over, close });
      ears.state(true);
      if (!known) ears.joined();
      known = true;
    };
    source.onmessage = ({ data }) => ears.heard(JSON.parse(data));
    source.addEventListener("reset", () => ears.joined());
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED || !known) {
        close();
        failed(new Error("no events"));
      } else {
        ears.state(false);
      }
    };
    setTimeout(() => {
      if (!known) {
        close();
        failed(new Error("no events in time"));
      }
    }, patience);
  });
}
function socket(reef, ears) {
  const ws = new WebSocket(new URL(path(reef, "socket"), location.href.replace(/^http/, "ws")));
  const timer = setTimeout(() => ws.close(), patience);
  return new Promise((made, failed) => {
    const over = new Promise((end) => {
      ws.onclose = () => {
        clearTimeout(timer);
        talk.end();
        failed(new Error("no socket"));
        end(null);
      };
    });
    const talk = new Talk(ears, () => {
      clearTimeout(timer);
      made({ kind: "websocket", over, write: talk.write, close: () => ws.close() });
    }, (line) => ws.send(line));
    ws.onmessage = ({ data }) => talk.take(data);
  });
}
async function session(reef, ears, hash) {
  const serverCertificateHashes = hash ? [{ algorithm: "sha-256", value: bytes(hash) }] : [];
  const wt = new WebTransport(location.origin + path(reef, "session"), { serverCertificateHashes });
  const over = wt.closed.catch(() => {
  });
  const close = () => wt.close();
  const timer = setTimeout(close, patience);
  try {
    await wt.ready;
    const { readable, writable } = await wt.createBidirectionalStream();
    const writer = writable.getWriter(), encoder = new TextEncoder();
    const send = (line) => {
      writer.write(encoder.encode(`${line}
`)).catch(() => {
      });
    };
    return await new Promise((made, failed) => {
      const talk = new Talk(ears, () => made({ kind: "webtransport", over, write: talk.write, close }), send);
      over.then(() => {
        talk.end();
        failed(new Error("no session"));
      });
      listen(readable, (line) => talk.take(line)).catch(() => {
      }).finally(close);
      send("");
      measure(wt, ears).catch(() => {
      });
    });
  } finally {
    clearTimeout(timer);
  }
}
function bytes(base64) {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}
async function listen(readable, take) {
  const reader = readable.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { done: done2, value } = await reader.read();
    if (done2) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    parts.filter(Boolean).forEach(take);
  }
}
async function measure(wt, ears) {
  const writer = wt.datagrams.writable.getWriter(), reader = wt.datagrams.readable.getReader();
  const ping = () => {
    writer.write(new Float64Array([performance.now()])).catch(() => {
    });
  };
  ping();
  const timer = setInterval(ping, 2e3);
  wt.closed.catch(() => {
  }).finally(() => clearInterval(timer));
  for (; ; ) {
    const { done: done2, value } = await reader.read();
    if (done2) return;
    const [sent] = new Float64Array(value.slice().buffer);
    ears.distance(performance.now() - sent);
  }
}
async function connect2(reef, wanted, has, ears) {
  const able = has.webTransport && location.protocol === "https:" && "WebTransport" in window;
  const open = [
    ["websocket", () => socket(reef, ears)],
    ["sse", () => events(reef, ears)]
  ];
  if (able) open.unshift(["webtransport", () => session(reef, ears, has.certificateHash)]);
  open.sort(([a], [b]) => Number(b === wanted) - Number(a === wanted));
  for (const [, make] of open) {
    try {
      return await make();
    } catch {
    }
  }
  throw new Error("nothing connects");
}

// app.ts
var state = {
  token: localStorage.getItem("token"),
  me: localStorage.getItem("me"),
  reef: "",
  cursor: "",
  editing: 0,
  link: null,
  visit: 0,
  // counts visits: what belongs to an earlier one stops
  heard: null
  // what has happened while messages are loaded
};
var api = connect(() => state.token, () => enter(null, null));
function enter(token, me) {
  Object.assign(state, { token, me });
  for (const [key, value] of Object.entries({ token, me })) {
    if (value) localStorage.setItem(key, value);
    else localStorage.removeItem(key);
  }
  showMe();
  for (const item of items.values()) item.show();
}
function showMe() {
  document.body.classList.toggle("in", Boolean(state.me));
  label("who", state.me || "");
  label("account", state.me ? "Sign out" : "Sign in");
  const text = field(form("write"), "text");
  text.placeholder = state.me ? "Say something" : "Sign in to say something";
  text.disabled = button("send").disabled = !state.me;
}
var door = at("door");
button("account").onclick = guard(async () => {
  if (!state.me) return door.showModal();
  await api.DELETE("/api/v1/sessions/current");
  enter(null, null);
});
door.querySelector("form").onsubmit = async (event) => {
  const choice = event.submitter?.value;
  if (choice === "no") return;
  event.preventDefault();
  const entry = event.target;
  const body = { name: field(entry, "name").value.trim().toLowerCase(), password: field(entry, "password").value };
  try {
    const { token, user } = await done(choice === "up" ? api.POST("/api/v1/users", { body }) : api.POST("/api/v1/sessions", { body }));
    enter(token, user.name);
    entry.reset();
    label("refused", "");
    door.close();
    field(form("write"), "text").focus();
  } catch (err) {
    label("refused", err.message);
  }
};
async function loadReefs() {
  const reefs = await done(api.GET("/api/v1/reefs"));
  at("reefs").replaceChildren(...reefs.map((r) => {
    const li = element("li"), choose = element("button", "", r.name);
    choose.append(element("span", "count", String(r.messages)));
    if (r.name === state.reef) choose.setAttribute("aria-current", "true");
    choose.onclick = () => {
      location.hash = r.name;
    };
    li.append(choose);
    return li;
  }));
  return reefs;
}
var counting = 0;
function countSoon() {
  counting ||= setTimeout(() => {
    counting = 0;
    loadReefs().catch(() => {
    });
  }, 300);
}
async function visit() {
  const turn = ++state.visit;
  const reefs = await loadReefs();
  if (turn !== state.visit) return;
  const wanted = decodeURIComponent(location.hash.slice(1));
  const reef = reefs.find((r) => r.name === wanted) || reefs[0];
  state.link?.close();
  clearMessages();
  if (!reef) {
    label("name", "No reefs yet");
    label("topic", "sign in and found one");
    return;
  }
  state.reef = reef.name;
  label("name", reef.name);
  label("topic", reef.topic);
  document.title = `${reef.name} · The reef`;
  stopEditing();
  loadReefs().catch(() => {
  });
  await follow(reef.name, turn);
}
function clearMessages() {
  items.clear();
  at("messages").replaceChildren();
  state.cursor = "";
}
form("found").onsubmit = guard(async (event) => {
  event.preventDefault();
  const entry = event.target;
  const reef = await done(api.POST("/api/v1/reefs", { body: { name: field(entry, "name").value.trim().toLowerCase() } }));
  location.hash = reef.name;
  entry.reset();
});
var items = /* @__PURE__ */ new Map();
async function older() {
  const reef = state.reef;
  const query = state.cursor ? { cursor: state.cursor } : {};
  const page = await done(api.GET("/api/v1/reefs/{reef}/messages", { params: { path: { reef }, query } }));
  if (reef !== state.reef) return;
  state.cursor = page.next || "";
  at("older").hidden = !state.cursor;
  const scroll = at("scroll"), height = scroll.scrollHeight;
  at("messages").prepend(...page.items.map(messageItem));
  scroll.scrollTop += scroll.scrollHeight - height;
}
button("older").onclick = guard(older);
function messageItem(message) {
  const li = element("li");
  const show = (m = message) => {
    message = m;
    const mine = m.author === state.me;
    li.className = mine ? "mine" : "";
    const by = element("div", "by");
    const time = element("time", "", new Date(m.posted).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    time.dateTime = m.posted;
    by.append(element("b", "", m.author), time);
    if (m.edited) by.append(element("span", "", "edited"));
    if (mine) {
      const edit = element("button", "", "edit"), drop = element("button", "", "delete");
      edit.onclick = () => startEditing(m);
      drop.onclick = guard(() => done(api.DELETE("/api/v1/reefs/{reef}/messages/{id}", { params: { path: m } })));
      by.append(edit, drop);
    }
    li.replaceChildren(by, element("div", "text", m.text));
  };
  show();
  items.set(message.id, { li, show });
  return li;
}
function startEditing(message) {
  const text = field(form("write"), "text");
  state.editing = message.id;
  text.value = message.text;
  text.focus();
  label("send", "Save");
  at("cancel").hidden = false;
}
function stopEditing() {
  state.editing = 0;
  form("write").reset();
  label("send", "Send");
  at("cancel").hidden = true;
}
button("cancel").onclick = stopEditing;
form("write").onsubmit = guard(async (event) => {
  event.preventDefault();
  const body = { text: field(form("write"), "text").value.trim() };
  if (!body.text) return;
  const { reef, editing: id, link } = state;
  if (id) {
    await done(api.PATCH("/api/v1/reefs/{reef}/messages/{id}", { params: { path: { reef, id } }, body }));
  } else if (link?.write) {
    await link.write(body.text, state.token || "").catch((err) => {
      if (err instanceof Unwritten && err.status === 401) enter(null, null);
      throw err;
    });
  } else {
    await done(api.POST("/api/v1/reefs/{reef}/messages", { params: { path: { reef } }, body }));
  }
  stopEditing();
});
field(form("write"), "text").onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form("write").requestSubmit();
  } else if (event.key === "Escape" && state.editing) {
    stopEditing();
  }
};
function apply({ type, message }) {
  const item = items.get(message.id);
  if (type === "deleted") {
    item?.li.remove();
    items.delete(message.id);
  } else if (item) {
    item.show(message);
  } else if (type === "posted") {
    const stay = !atEnd() && message.author !== state.me;
    at("messages").append(messageItem(message));
    if (!stay) toEnd();
  }
}
function atEnd() {
  const scroll = at("scroll");
  return scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80;
}
function toEnd() {
  at("scroll").scrollTop = at("scroll").scrollHeight;
}
async function load() {
  const heard = state.heard = [];
  const end = atEnd();
  clearMessages();
  await older();
  if (state.heard !== heard) return;
  state.heard = null;
  heard.forEach(apply);
  if (end) toEnd();
}
async function follow(reef, turn) {
  const here = () => turn === state.visit;
  for (let pause = 500; here(); pause = Math.min(pause * 2, 8e3)) {
    showLink("connecting", false);
    try {
      const link = await connect2(reef, chosen(), await done(api.GET("/api/v1/transports")), {
        joined: () => {
          if (here()) guard(load)();
        },
        heard: (event) => {
          if (!here()) return;
          if (state.heard) state.heard.push(event);
          else apply(event);
          if (event.type !== "edited") countSoon();
        },
        state: (on) => {
          if (here()) showLink(on ? "live" : "reconnecting", on, "sse");
        },
        distance: (ms) => {
          if (here() && state.link?.kind === "webtransport") showLink(`live, ${ms.toFixed(1)} ms`, true, "webtransport");
        }
      });
      if (!here()) return link.close();
      state.link = link;
      showLink("live", true, link.kind);
      pause = 500;
      await link.over;
      if (state.link === link) state.link = null;
    } catch {
    }
    if (!here()) return;
    showLink("reconnecting", false);
    await new Promise((over) => setTimeout(over, pause));
  }
}
var transport = at("transport");
var chosen = () => transport.value;
transport.value = localStorage.getItem("transport") || "auto";
if (!transport.value) transport.value = "auto";
transport.onchange = guard(() => {
  localStorage.setItem("transport", transport.value);
  return visit();
});
function showLink(text, on, kind) {
  label("link", text);
  const wanted = chosen();
  const instead = wanted !== "auto" && wanted !== kind ? ` in place of ${names[wanted]}` : "";
  label("carrier", kind && on ? names[kind] + instead : "");
  at("link").classList.toggle("live", on);
}
takeFiles(api, () => Boolean(state.me));
async function loadStats() {
  const s = await done(api.GET("/api/v1/stats"));
  const rows = {
    up: s.uptime,
    users: s.users,
    messages: s.messages,
    watching: s.watchers,
    requests: Object.values(s.responses).reduce((a, b) => a + b, 0),
    sent: size(s.bytesSent)
  };
  at("stats").replaceChildren(...Object.entries(rows).flatMap(([k, v]) => [element("dt", "", k), element("dd", "", String(v))]));
}
var refresh = () => Promise.all([loadFiles(api), loadStats()]).catch(() => {
});
showMe();
if (state.token) api.GET("/api/v1/me").catch(() => {
});
window.onhashchange = guard(visit);
setInterval(refresh, 5e3);
refresh();
guard(visit)();
