// The page is a client of the API like any other: nothing here is known to the
// server only.
const $ = (id) => document.getElementById(id);
const base = "/api/v1";
const state = {
  token: localStorage.getItem("token"),
  me: localStorage.getItem("me"),
  reef: "", last: 0, cursor: "", editing: 0, live: null, gone: false,
};

class Problem extends Error {
  constructor(status, doc) {
    super(doc.detail || doc.title || `the server answered ${status}`);
    this.status = status;
  }
}

async function api(method, path, { json, body, signal } = {}) {
  const headers = {};
  if (state.token) headers.Authorization = `Bearer ${state.token}`;
  if (json !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(json);
  }
  const resp = await fetch(base + path, { method, headers, body, signal });
  if (resp.ok) return resp;
  const problem = new Problem(resp.status, await resp.json().catch(() => ({})));
  if (resp.status === 401 && state.token) enter(null, null);
  throw problem;
}

const get = async (path) => (await api("GET", path)).json();

function element(name, className, text) {
  const e = document.createElement(name);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

let toastTimer;
function toast(err) {
  $("toast").textContent = err.message;
  $("toast").classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => $("toast").classList.remove("shown"), 4000);
}

// guard shows what goes wrong in an event handler.
const guard = (f) => async (...args) => {
  try { await f(...args); } catch (err) { toast(err); }
};

// --- who is here

function enter(token, me) {
  Object.assign(state, { token, me });
  for (const [key, value] of Object.entries({ token, me })) {
    if (value) localStorage.setItem(key, value); else localStorage.removeItem(key);
  }
  showMe();
  for (const li of $("messages").children) if (li.show) li.show();
}

function showMe() {
  document.body.classList.toggle("in", Boolean(state.me));
  $("who").textContent = state.me || "";
  $("account").textContent = state.me ? "Sign out" : "Sign in";
  $("write").text.placeholder = state.me ? "Say something" : "Sign in to say something";
  $("write").text.disabled = $("send").disabled = !state.me;
}

$("account").onclick = guard(async () => {
  if (!state.me) return $("door").showModal();
  await api("DELETE", "/sessions/current").catch(() => {});
  enter(null, null);
});

$("door").querySelector("form").onsubmit = async (event) => {
  const choice = event.submitter?.value;
  if (choice === "no") return;
  event.preventDefault();
  const form = event.target;
  const json = { name: form.name.value.trim().toLowerCase(), password: form.password.value };
  try {
    const resp = await api("POST", choice === "up" ? "/users" : "/sessions", { json });
    const { token, user } = await resp.json();
    enter(token, user.name);
    form.reset();
    $("refused").textContent = "";
    $("door").close();
    $("write").text.focus();
  } catch (err) {
    $("refused").textContent = err.message;
  }
};

// --- reefs

async function loadReefs() {
  const reefs = await get("/reefs");
  $("reefs").replaceChildren(...reefs.map((r) => {
    const li = element("li"), button = element("button", "", r.name);
    button.append(element("span", "count", r.messages));
    if (r.name === state.reef) button.setAttribute("aria-current", "true");
    button.onclick = () => { location.hash = r.name; };
    li.append(button);
    return li;
  }));
  return reefs;
}

async function visit() {
  const reefs = await loadReefs();
  const wanted = decodeURIComponent(location.hash.slice(1));
  const reef = reefs.find((r) => r.name === wanted) || reefs[0];
  state.live?.abort();
  $("messages").replaceChildren();
  if (!reef) {
    $("name").textContent = "No reefs yet";
    $("topic").textContent = "sign in and found one";
    return;
  }
  Object.assign(state, { reef: reef.name, last: 0, cursor: "", gone: false });
  $("name").textContent = reef.name;
  $("topic").textContent = reef.topic;
  document.title = `${reef.name} · The reef`;
  stopEditing();
  await Promise.all([older(), loadReefs()]);
  $("scroll").scrollTop = $("scroll").scrollHeight;
  follow(reef.name);
}

$("found").onsubmit = guard(async (event) => {
  event.preventDefault();
  const form = event.target;
  const resp = await api("POST", "/reefs", { json: { name: form.name.value.trim().toLowerCase(), topic: "" } });
  location.hash = (await resp.json()).name;
  form.reset();
});

// --- messages

async function older() {
  const reef = state.reef;
  const query = state.cursor ? `?cursor=${encodeURIComponent(state.cursor)}` : "";
  const page = await get(`/reefs/${reef}/messages${query}`);
  if (reef !== state.reef) return;
  state.cursor = page.next || "";
  $("older").hidden = !state.cursor;
  const height = $("scroll").scrollHeight;
  $("messages").prepend(...page.items.map(messageItem));
  $("scroll").scrollTop += $("scroll").scrollHeight - height;
  for (const m of page.items) state.last = Math.max(state.last, m.id);
}
$("older").onclick = guard(older);

function messageItem(message) {
  const li = element("li");
  li.id = `m${message.id}`;
  li.show = (m = message) => {
    message = m;
    const mine = m.author === state.me;
    li.className = mine ? "mine" : "";
    const by = element("div", "by");
    const at = element("time", "", new Date(m.posted).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }));
    at.dateTime = m.posted;
    by.append(element("b", "", m.author), at);
    if (m.edited) by.append(element("span", "", "edited"));
    if (mine) {
      const edit = element("button", "", "edit"), drop = element("button", "", "delete");
      edit.onclick = () => startEditing(message);
      drop.onclick = guard(() => api("DELETE", `/reefs/${m.reef}/messages/${m.id}`));
      by.append(edit, drop);
    }
    li.replaceChildren(by, element("div", "text", m.text));
  };
  li.show();
  return li;
}

function startEditing(message) {
  state.editing = message.id;
  $("write").text.value = message.text;
  $("write").text.focus();
  $("send").textContent = "Save";
  $("cancel").hidden = false;
}

function stopEditing() {
  state.editing = 0;
  $("write").reset();
  $("send").textContent = "Send";
  $("cancel").hidden = true;
}
$("cancel").onclick = stopEditing;

$("write").onsubmit = guard(async (event) => {
  event.preventDefault();
  const json = { text: event.target.text.value.trim() };
  if (!json.text) return;
  const path = `/reefs/${state.reef}/messages`;
  await (state.editing ? api("PATCH", `${path}/${state.editing}`, { json }) : api("POST", path, { json }));
  stopEditing();
});
$("write").text.onkeydown = (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("write").requestSubmit();
  } else if (event.key === "Escape" && state.editing) {
    stopEditing();
  }
};

// --- live: one JSON object a line, until the server drains or the net breaks

function apply({ type, message }) {
  if (type === "bye") state.gone = true; // who comes back begins with other messages
  if (!message) return;
  const li = $(`m${message.id}`);
  if (type === "deleted") {
    li?.remove();
  } else if (li) {
    li.show(message);
  } else if (type === "posted") {
    const atEnd = $("scroll").scrollHeight - $("scroll").scrollTop - $("scroll").clientHeight < 80;
    $("messages").append(messageItem(message));
    if (atEnd || message.author === state.me) $("scroll").scrollTop = $("scroll").scrollHeight;
  }
  state.last = Math.max(state.last, message.id);
  if (type !== "edited") loadReefs().catch(() => {});
}

async function follow(reef) {
  const control = state.live = new AbortController();
  for (let pause = 500; !control.signal.aborted; pause = Math.min(pause * 2, 8000)) {
    try {
      const resp = await api("GET", `/reefs/${reef}/live?since=${state.last}`, { signal: control.signal });
      if (state.gone) return visit();
      showLink("live", true);
      pause = 500;
      let rest = "";
      const reader = resp.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        const lines = (rest + value).split("\n");
        rest = lines.pop();
        for (const line of lines) if (line && !control.signal.aborted) apply(JSON.parse(line));
      }
    } catch (err) {
      if (control.signal.aborted) return;
    }
    showLink("reconnecting", false);
    await new Promise((done) => setTimeout(done, pause));
  }
}

function showLink(text, live) {
  $("link").textContent = text;
  $("link").classList.toggle("live", live);
}

// --- files and numbers

const size = (n) => (n < 1024 ? `${n} B` : n < 1 << 20 ? `${(n / 1024).toFixed(1)} KB` : `${(n / (1 << 20)).toFixed(1)} MB`);

async function loadFiles() {
  const files = await get("/uploads");
  $("files").replaceChildren(...files.map((f) => {
    const li = element("li"), a = element("a", "", f.name);
    a.href = `${base}/uploads/${f.id}`;
    a.title = `${f.name}, from ${f.by}`;
    li.append(a, element("span", "count", size(f.size)));
    return li;
  }));
  if (!files.length) $("files").append(element("li", "count", "none yet"));
}

$("file").onchange = guard(async (event) => {
  const file = event.target.files[0];
  event.target.value = "";
  if (!file) return;
  await api("POST", `/uploads?name=${encodeURIComponent(file.name)}`, { body: file });
  await loadFiles();
});

async function loadStats() {
  const s = await get("/stats");
  const rows = {
    up: s.uptime, users: s.users, messages: s.messages, watching: s.watchers,
    requests: Object.values(s.responses).reduce((a, b) => a + b, 0), sent: size(s.bytesSent),
  };
  $("stats").replaceChildren(...Object.entries(rows).flatMap(([k, v]) => [element("dt", "", k), element("dd", "", v)]));
}

const refresh = () => Promise.all([loadFiles(), loadStats()]).catch(() => {});

showMe();
if (state.token) get("/me").catch(() => {}); // forgets a session that has ended
window.onhashchange = guard(visit);
setInterval(refresh, 5000);
refresh();
guard(visit)();
