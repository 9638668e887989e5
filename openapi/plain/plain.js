"use strict";

// A browser of one OpenAPI 3.1 document. All text reaches the page as text nodes:
// nothing of the document is ever parsed as HTML.

const api = document.getElementById("api");
const verbs = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const shownBytes = 256 * 1024;
let doc = {};

function el(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (key === "text") e.textContent = value;
    else if (key.startsWith("on")) e.addEventListener(key.slice(2), value);
    else if (value === true) e.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== null) e.setAttribute(key, value);
  }
  e.append(...children.filter((c) => c !== null && c !== undefined && c !== ""));
  return e;
}

// link makes a link only of what can be followed without harm.
function link(url, text, attributes) {
  let target;
  try {
    target = new URL(url, document.baseURI);
  } catch {
    return el("span", { text: text ?? url });
  }
  if (!["http:", "https:", "mailto:"].includes(target.protocol)) return el("span", { text: text ?? url });
  return el("a", { href: target.href, rel: "noreferrer", ...attributes, text: text ?? url });
}

function resolve(node) {
  for (let hops = 0; node?.$ref && hops < 16; hops++) {
    let at = doc;
    for (const part of node.$ref.replace(/^#\//, "").split("/")) {
      at = at?.[decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~")];
    }
    const { $ref, ...beside } = node;
    node = at && { ...at, ...beside };
  }
  return node ?? {};
}

const refName = (schema) => schema?.$ref?.split("/").pop();
const types = (schema) => [schema.type ?? []].flat();

// describe writes a schema in the way of a type declaration.
function describe(schema, indent = "", depth = 0) {
  if (schema === true || schema === undefined) return "any";
  if (schema.$ref && depth > 0) return refName(schema);
  const s = resolve(schema);
  const union = s.oneOf ?? s.anyOf;
  if (union) return union.map((v) => describe(v, indent, depth + 1)).join(" | ");
  if (s.allOf) return s.allOf.map((v) => describe(v, indent, depth + 1)).join(" & ");
  if ("const" in s) return JSON.stringify(s.const);
  if (s.enum) return s.enum.map((v) => JSON.stringify(v)).join(" | ");
  const inner = indent + "  ";
  const one = (type) => {
    if (type === "array") return describe(s.items, indent, depth + 1) + "[]";
    if (type !== "object") return type + (s.format ? ` (${s.format})` : "");
    const lines = Object.entries(s.properties ?? {}).map(([name, value]) => {
      const mark = s.required?.includes(name) ? "" : "?";
      const about = [rules(value), resolve(value).description].filter(Boolean).join("; ").replaceAll("\n", " ");
      return `${inner}${name}${mark}: ${describe(value, inner, depth + 1)}${about ? "  // " + about : ""}`;
    });
    if (typeof s.additionalProperties === "object") lines.push(`${inner}[name]: ${describe(s.additionalProperties, inner, depth + 1)}`);
    return lines.length ? `{\n${lines.join("\n")}\n${indent}}` : "object";
  };
  return types(s).map(one).join(" | ") || "any";
}

const keywords = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
  "pattern", "minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties", "default", "readOnly", "writeOnly", "deprecated"];

function rules(schema) {
  const s = resolve(schema);
  return keywords.filter((k) => k in s).map((k) => (s[k] === true ? k : `${k} ${JSON.stringify(s[k])}`)).join(", ");
}

// sample makes a value of a schema to begin with.
function sample(schema, depth = 0) {
  const s = resolve(schema);
  if ("example" in s) return s.example;
  if (s.examples?.length) return s.examples[0];
  if ("default" in s) return s.default;
  if ("const" in s) return s.const;
  if (s.enum?.length) return s.enum[0];
  const union = s.oneOf ?? s.anyOf;
  if (union?.some((v) => v.type === "null") && depth > 0) return null;
  if (union?.length) return sample(union[0], depth + 1);
  if (s.allOf) return Object.assign({}, ...s.allOf.map((v) => sample(v, depth + 1)));
  const type = types(s).find((t) => t !== "null");
  if (type === "object") {
    const entries = depth > 6 ? [] : Object.entries(s.properties ?? {}).filter(([, v]) => !resolve(v).readOnly);
    return Object.fromEntries(entries.map(([name, v]) => [name, sample(v, depth + 1)]));
  }
  if (type === "array") return depth > 6 ? [] : [sample(s.items, depth + 1)];
  if (type === "integer" || type === "number") return s.minimum ?? 0;
  if (type === "boolean") return false;
  if (type === "string") return samples[s.format] ?? "x".repeat(Math.min(s.minLength ?? 0, 100));
  return null;
}

const samples = { "date-time": "2030-01-02T15:04:05Z", date: "2030-01-02", email: "a@example.com",
  uuid: "00000000-0000-4000-8000-000000000000", uri: "https://example.com/" };

const isJSON = (media) => /^application\/json\b|\+json\b/.test(media);
const isForm = (media) => media === "application/x-www-form-urlencoded" || media === "multipart/form-data";

function mediaSample(item) {
  if ("example" in item) return item.example;
  const named = Object.values(item.examples ?? {})[0];
  return named && "value" in resolve(named) ? resolve(named).value : sample(item.schema);
}

// operations lists what the paths have, extensions of this package included.
function operations() {
  const list = [];
  const collect = (path, item, shared) => {
    for (const verb of verbs) if (item[verb]) list.push({ path, method: verb.toUpperCase(), shared, op: item[verb] });
    for (const [method, op] of Object.entries(item["x-additionalOperations"] ?? {})) list.push({ path, method, shared, op });
    for (const other of Object.values(item["x-hosts"] ?? {})) collect(path, other, shared);
  };
  for (const [path, item] of Object.entries(doc.paths ?? {})) collect(path, item, item.parameters ?? []);
  return list;
}

function serverURL(op) {
  const chosen = document.getElementById("api-server");
  const server = op.servers?.[0] ?? doc.servers?.[chosen ? chosen.selectedIndex : 0] ?? { url: "/" };
  const url = server.url.replace(/\{([^}]+)\}/g, (_, name) => server.variables?.[name]?.default ?? name);
  return new URL(url, new URL(api.dataset.document, document.baseURI)).href.replace(/\/$/, "");
}

function field(id, label, input, about) {
  input.id = id;
  const hint = about ? el("small", { id: id + "-about", text: about }) : null;
  if (hint) input.setAttribute("aria-describedby", hint.id);
  return el("div", { class: "field" }, el("label", { for: id }, ...[label].flat()), el("div", {}, input, hint));
}

function paramField(id, p) {
  const s = resolve(p.schema);
  const about = [p.description, types(s).join(" | "), rules(s)].filter(Boolean).join(". ");
  const label = [el("code", { text: p.name }), ` ${p.in}${p.required ? ", required" : ""}${p.deprecated ? ", deprecated" : ""}`];
  const values = s.enum ?? (s.type === "boolean" ? [true, false] : null);
  let input;
  if (values) {
    input = el("select", {}, el("option", { value: "", text: "" }), ...values.map((v) => el("option", { value: v, text: String(v) })));
  } else if (s.type === "array") {
    input = el("textarea", { rows: 2, placeholder: "one value a line" });
  } else {
    input = el("input", { type: s.format === "password" ? "password" : "text", placeholder: "default" in s ? String(s.default) : "" });
  }
  if (p.in === "path") input.value = String(sample(p.schema) || "");
  if (p.in === "cookie") input.disabled = true;
  input.dataset.in = p.in;
  input.dataset.name = p.name;
  if (p["x-rest"]) input.dataset.rest = "true";
  if (s.type === "array") input.dataset.list = "true";
  return field(id, label, input, p.in === "cookie" ? about + " The browser sends its own cookies." : about);
}

// bodyFields fills box with inputs for one media type and returns what reads them.
function bodyFields(box, id, media, item) {
  box.replaceChildren();
  const schema = resolve(item.schema);
  if (isForm(media)) {
    const inputs = Object.entries(schema.properties ?? {}).map(([name, value]) => {
      const s = resolve(value);
      const file = s.format === "binary" || s.items?.format === "binary";
      const input = file ? el("input", { type: "file", multiple: s.type === "array" }) : el("input", { type: "text" });
      const about = [s.description, rules(s)].filter(Boolean).join(". ");
      box.append(field(`${id}-${name}`, [el("code", { text: name }), schema.required?.includes(name) ? " required" : ""], input, about));
      return [name, input];
    });
    return () => {
      const form = media === "multipart/form-data" ? new FormData() : new URLSearchParams();
      for (const [name, input] of inputs) {
        for (const f of input.files ?? []) form.append(name, f);
        if (!input.files && input.value !== "") form.append(name, input.value);
      }
      return form;
    };
  }
  if (schema.format === "binary") {
    const input = el("input", { type: "file" });
    box.append(field(id, "Body", input));
    return () => input.files[0];
  }
  const input = el("textarea", { rows: 8, spellcheck: "false" });
  const value = mediaSample(item);
  input.value = isJSON(media) ? JSON.stringify(value, null, 2) : String(value ?? "");
  box.append(field(id, "Body", input));
  return () => input.value;
}

// credentials adds what was filled in for the schemes of an operation.
function credentials(op, headers, url) {
  for (const name of new Set((op.security ?? doc.security ?? []).flatMap((wants) => Object.keys(wants)))) {
    const scheme = doc.components?.securitySchemes?.[name] ?? {};
    const value = document.getElementById("auth-" + name)?.value;
    if (!value) continue;
    if (scheme.type === "http" && scheme.scheme?.toLowerCase() === "basic") {
      const bytes = new TextEncoder().encode(value);
      headers.set("Authorization", "Basic " + btoa(Array.from(bytes, (b) => String.fromCharCode(b)).join("")));
    } else if (scheme.type !== "apiKey") headers.set("Authorization", "Bearer " + value);
    else if (scheme.in === "header") headers.set(scheme.name, value);
    else if (scheme.in === "query") url.searchParams.append(scheme.name, value);
  }
}

function request(entry, form, body) {
  let path = entry.path;
  const headers = new Headers();
  const query = [];
  for (const input of form.querySelectorAll("[data-in]")) {
    const { name, rest, list } = input.dataset;
    const values = list ? input.value.split("\n").filter((v) => v !== "") : [input.value];
    if (input.dataset.in === "path") {
      const text = rest ? input.value.split("/").map(encodeURIComponent).join("/") : encodeURIComponent(input.value);
      path = path.replace(`{${name}}`, () => text);
    } else if (input.value !== "" && input.dataset.in === "query") query.push(...values.map((v) => [name, v]));
    else if (input.value !== "" && input.dataset.in === "header") headers.set(name, values.join(", "));
  }
  const url = new URL(serverURL(entry.op) + path);
  for (const [name, value] of query) url.searchParams.append(name, value);
  credentials(entry.op, headers, url);
  const init = { method: entry.method, headers };
  if (body && !["GET", "HEAD"].includes(entry.method)) {
    init.body = body.read();
    const known = body.media() !== "multipart/form-data" && !body.media().includes("*");
    if (known && init.body !== undefined) headers.set("Content-Type", body.media());
  }
  return [url, init];
}

// receive shows an answer while it comes, so that streams can be watched.
async function receive(response, output) {
  const head = [`${response.status} ${response.statusText}`.trim(), ...Array.from(response.headers, ([k, v]) => `${k}: ${v}`)];
  const pre = el("pre", { class: "body", tabindex: 0 });
  output.replaceChildren(el("p", { class: "status", text: head[0], "data-status": response.status }),
    el("pre", { class: "head", text: head.slice(1).join("\n") }), pre);
  if (!response.body) return;
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  let text = "";
  for (let size = 0; ;) {
    const { done, value } = await reader.read();
    if (done) break;
    size += value.length;
    text += decoder.decode(value, { stream: true });
    pre.textContent = text;
    if (size > shownBytes) {
      await reader.cancel();
      pre.textContent = text.slice(0, shownBytes) + "\n… the rest is not shown";
      return;
    }
  }
  if (isJSON(response.headers.get("Content-Type") ?? "")) {
    try {
      pre.textContent = JSON.stringify(JSON.parse(text), null, 2);
    } catch { /* it stays as it came */ }
  }
}

function tryForm(entry, id) {
  const form = el("form", { id: "try-" + id, class: "try" });
  const shared = entry.shared.map(resolve);
  const own = (entry.op.parameters ?? []).map(resolve);
  const params = [...shared.filter((p) => !own.some((o) => o.in === p.in && o.name === p.name)), ...own];
  for (const p of params) form.append(paramField(`param-${id}-${p.in}-${p.name}`, p));
  let body = null;
  const content = Object.entries(resolve(entry.op.requestBody).content ?? {});
  if (content.length) {
    const select = el("select", {}, ...content.map(([media]) => el("option", { text: media })));
    const box = el("div");
    body = { media: () => content[select.selectedIndex][0] };
    const fill = () => { body.read = bodyFields(box, "body-" + id, ...content[select.selectedIndex]); };
    select.addEventListener("change", fill);
    form.append(field("media-" + id, "Content-Type", select), box);
    fill();
  }
  const send = el("button", { id: "send-" + id, type: "submit", text: "Send" });
  const stop = el("button", { id: "stop-" + id, type: "button", text: "Stop", disabled: true });
  const output = el("div", { id: "result-" + id, class: "result", role: "status", "aria-live": "polite" });
  form.append(el("p", {}, send, " ", stop), output);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const abort = new AbortController();
    const halt = () => abort.abort();
    stop.addEventListener("click", halt);
    send.disabled = true;
    stop.disabled = false;
    try {
      const [url, init] = request(entry, form, body);
      await receive(await fetch(url, { ...init, signal: abort.signal }), output);
    } catch (error) {
      const text = error.name === "AbortError" ? "Stopped." : "The request failed: " + error.message;
      output.append(el("p", { class: "status", text }));
    } finally {
      stop.removeEventListener("click", halt);
      send.disabled = false;
      stop.disabled = true;
    }
  });
  return form;
}

// typeOf shows a schema, with links to the types it names.
function typeOf(schema) {
  const pre = el("pre", { text: describe(schema, "", refName(schema) ? 1 : 0) });
  const names = [...new Set(JSON.stringify(schema ?? {}).match(/#\/components\/schemas\/[^"]+/g) ?? [])].map((r) => r.split("/").pop());
  return el("div", {}, pre, ...names.map((name) => el("a", { class: "type", href: "#schema-" + name, text: name })));
}

function content(holder) {
  return Object.entries(holder.content ?? {}).flatMap(([media, item]) => [el("p", {}, el("code", { text: media })), typeOf(item.schema)]);
}

function responses(op) {
  const list = el("dl", { class: "responses" });
  for (const [status, ref] of Object.entries(op.responses ?? {})) {
    const r = resolve(ref);
    const parts = Object.entries(r.headers ?? {}).map(([name, h]) =>
      el("p", {}, el("code", { text: name }), " " + (resolve(h).description ?? "")));
    list.append(el("dt", { text: status }), el("dd", {}, el("p", { class: "text", text: r.description }), ...parts, ...content(r)));
  }
  return list;
}

function operation(entry) {
  const { op, method, path } = entry;
  const id = op.operationId ?? method + path;
  const wants = (op.security ?? doc.security ?? []).map((w) => Object.keys(w).join(" and ") || "nothing").join(", or ");
  const about = el("summary", {}, el("code", { class: "method " + method.toLowerCase(), text: method }), " ",
    el("code", { class: "path", text: path }), " ", el("span", { text: op.summary ?? "" }), op.deprecated ? el("em", { text: " deprecated" }) : null);
  const details = el("details", { id: "op-" + id, class: "operation", "data-search": `${method} ${path} ${id} ${op.summary ?? ""}`.toLowerCase() }, about);
  details.addEventListener("toggle", () => {
    if (!details.open || details.childElementCount > 1) return;
    details.append(el("p", { class: "text", text: op.description ?? "" }),
      op.servers ? el("p", { text: "Served at " + op.servers.map((s) => s.url).join(", ") }) : "",
      wants ? el("p", { text: "Needs " + wants + "." }) : "",
      tryForm(entry, id), el("h4", { text: "Answers" }), responses(op));
  });
  return details;
}

// webhooks are only told of: it is the service that sends them.
function webhooks() {
  const list = Object.entries(doc.webhooks ?? {}).flatMap(([name, item]) => verbs.filter((v) => item[v]).map((verb) =>
    el("details", { id: "webhook-" + name }, el("summary", {}, el("code", { class: "method", text: verb.toUpperCase() }), " ", name, " ", item[verb].summary ?? ""),
      el("p", { class: "text", text: item[verb].description ?? "" }), ...content(resolve(item[verb].requestBody)),
      el("h4", { text: "Answers" }), responses(item[verb]))));
  return list.length ? el("section", { id: "api-webhooks" }, el("h2", { text: "Webhooks" }), ...list) : "";
}

// openTarget opens what the address points at.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
  target?.scrollIntoView();
}

function controls() {
  const box = el("div", { id: "api-controls" });
  if (doc.servers?.length) {
    box.append(field("api-server", "Server", el("select", {}, ...doc.servers.map((s) => el("option", { text: s.description ? `${s.url} (${s.description})` : s.url })))));
  }
  const filter = el("input", { type: "search", autocomplete: "off" });
  filter.addEventListener("input", () => {
    const words = filter.value.toLowerCase().split(/\s+/);
    for (const d of document.querySelectorAll(".operation")) d.hidden = !words.every((w) => d.dataset.search.includes(w));
    for (const s of document.querySelectorAll(".tag")) s.hidden = !s.querySelector(".operation:not([hidden])");
  });
  box.append(field("api-filter", "Filter", filter));
  const schemes = Object.entries(doc.components?.securitySchemes ?? {});
  if (schemes.length) {
    const form = el("form", { onsubmit: (event) => event.preventDefault() }, ...schemes.map(([name, s]) => {
      const hint = s.type === "apiKey" ? `${s.in} ${s.name}` : s.scheme?.toLowerCase() === "basic" ? "user:password" : "token";
      const input = el("input", { type: "password", autocomplete: "off", disabled: s.in === "cookie" || s.type === "mutualTLS" });
      return field("auth-" + name, el("code", { text: name }), input, [hint, s.description].filter(Boolean).join(". "));
    }));
    box.append(el("details", { id: "api-auth" }, el("summary", { text: "Credentials" }), form));
  }
  return box;
}

function render() {
  const info = doc.info ?? {};
  const about = [info.termsOfService && link(info.termsOfService, "Terms of service"),
    info.contact?.url && link(info.contact.url, info.contact.name ?? "Contact"),
    info.contact?.email && link("mailto:" + info.contact.email, info.contact.email),
    info.license && (info.license.url ? link(info.license.url, info.license.name) : el("span", { text: info.license.name })),
    doc.externalDocs && link(doc.externalDocs.url, doc.externalDocs.description)].filter(Boolean);
  const header = el("header", { id: "api-header" },
    el("h1", { id: "api-title" }, info.title ?? "", " ", el("small", { id: "api-version", text: info.version ?? "" })),
    el("p", { text: info.summary ?? "" }), el("p", { class: "text", text: info.description ?? "" }),
    el("p", { class: "links" }, link(api.dataset.document, "OpenAPI document", { id: "api-document" }), ...about));
  const main = el("main", { id: "api-operations" });
  const tags = new Map((doc.tags ?? []).map((t) => [t.name, { about: t.description, list: [] }]));
  for (const entry of operations()) {
    const tag = entry.op.tags?.[0] ?? "Operations";
    if (!tags.has(tag)) tags.set(tag, { list: [] });
    tags.get(tag).list.push(operation(entry));
  }
  for (const [name, { about, list }] of tags) {
    if (list.length) main.append(el("section", { class: "tag", id: "tag-" + name }, el("h2", { text: name }), el("p", { class: "text", text: about ?? "" }), ...list));
  }
  const schemas = Object.entries(doc.components?.schemas ?? {}).map(([name, s]) =>
    el("details", { id: "schema-" + name }, el("summary", {}, el("code", { text: name })),
      el("p", { class: "text", text: s.description ?? "" }), typeOf(s)));
  api.replaceChildren(header, controls(), main, webhooks(), el("section", { id: "api-schemas" }, el("h2", { text: "Types" }), ...schemas));
  openTarget();
  addEventListener("hashchange", openTarget);
}

async function start() {
  api.replaceChildren(el("p", { role: "status", text: "Loading…" }));
  try {
    const response = await fetch(api.dataset.document);
    if (!response.ok) throw new Error(`${response.status} ${response.statusText}`);
    doc = await response.json();
    render();
  } catch (error) {
    api.replaceChildren(el("h1", { text: api.dataset.title }),
      el("p", { id: "api-error", role: "alert", text: "The document could not be shown: " + error.message }));
  }
}

start();
