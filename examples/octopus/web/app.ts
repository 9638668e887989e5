// The page is a client of the API like any other: nothing here is known to the
// server only.
import { connect, done, type Schemas } from "./client";
import { at, button, element, field, form, guard, label, size } from "./elements";
import { loadFiles, takeFiles } from "./files";
import * as live from "./live";

type Message = Schemas["Message"];

const state = {
  token: localStorage.getItem("token"),
  me: localStorage.getItem("me"),
  reef: "", cursor: "", editing: 0,
  link: null as live.Link | null,
  visit: 0, // counts visits: what belongs to an earlier one stops
  heard: null as Schemas["Event"][] | null, // what has happened while messages are loaded
};

const api = connect(() => state.token, () => enter(null, null));

// --- who is here

function enter(token: string | null, me: string | null) {
  Object.assign(state, { token, me });
  for (const [key, value] of Object.entries({ token, me })) {
    if (value) localStorage.setItem(key, value); else localStorage.removeItem(key);
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

const door = at("door") as HTMLDialogElement;

button("account").onclick = guard(async () => {
  if (!state.me) return door.showModal();
  await api.DELETE("/api/v1/sessions/current");
  enter(null, null);
});

door.querySelector("form")!.onsubmit = async (event) => {
  const choice = (event.submitter as HTMLButtonElement | null)?.value;
  if (choice === "no") return;
  event.preventDefault();
  const entry = event.target as HTMLFormElement;
  const body = { name: field(entry, "name").value.trim().toLowerCase(), password: field(entry, "password").value };
  try {
    const { token, user } = await done(choice === "up" ? api.POST("/api/v1/users", { body }) : api.POST("/api/v1/sessions", { body }));
    enter(token, user.name);
    entry.reset();
    label("refused", "");
    door.close();
    field(form("write"), "text").focus();
  } catch (err) {
    label("refused", (err as Error).message);
  }
};

// --- reefs

async function loadReefs() {
  const reefs = await done(api.GET("/api/v1/reefs"));
  at("reefs").replaceChildren(...reefs.map((r) => {
    const li = element("li"), choose = element("button", "", r.name);
    choose.append(element("span", "count", String(r.messages)));
    if (r.name === state.reef) choose.setAttribute("aria-current", "true");
    choose.onclick = () => { location.hash = r.name; };
    li.append(choose);
    return li;
  }));
  return reefs;
}

let counting = 0;

/** countSoon shows how many messages there are, however many come at once. */
function countSoon() {
  counting ||= setTimeout(() => {
    counting = 0;
    loadReefs().catch(() => {});
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
  loadReefs().catch(() => {});
  await follow(reef.name, turn);
}

function clearMessages() {
  items.clear();
  at("messages").replaceChildren();
  state.cursor = "";
}

form("found").onsubmit = guard(async (event: SubmitEvent) => {
  event.preventDefault();
  const entry = event.target as HTMLFormElement;
  const reef = await done(api.POST("/api/v1/reefs", { body: { name: field(entry, "name").value.trim().toLowerCase() } }));
  location.hash = reef.name;
  entry.reset();
});

// --- messages

interface Item { li: HTMLLIElement; show(m?: Message): void }

const items = new Map<number, Item>();

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

function messageItem(message: Message) {
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

function startEditing(message: Message) {
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

form("write").onsubmit = guard(async (event: SubmitEvent) => {
  event.preventDefault();
  const body = { text: field(form("write"), "text").value.trim() };
  if (!body.text) return;
  const { reef, editing: id, link } = state;
  if (id) {
    await done(api.PATCH("/api/v1/reefs/{reef}/messages/{id}", { params: { path: { reef, id } }, body }));
  } else if (link?.write) {
    await link.write(body.text, state.token || "").catch((err) => {
      if (err instanceof live.Unwritten && err.status === 401) enter(null, null);
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

// --- live

function apply({ type, message }: Schemas["Event"]) {
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

function toEnd() { at("scroll").scrollTop = at("scroll").scrollHeight; }

/** load shows the newest messages, and then what has happened meanwhile. */
async function load() {
  const heard: Schemas["Event"][] = state.heard = [];
  const end = atEnd();
  clearMessages();
  await older();
  if (state.heard !== heard) return; // it is loaded anew already
  state.heard = null;
  heard.forEach(apply);
  if (end) toEnd();
}

/** follow keeps a link to the reef until another one is visited. */
async function follow(reef: string, turn: number) {
  const here = () => turn === state.visit;
  for (let pause = 500; here(); pause = Math.min(pause * 2, 8000)) {
    showLink("connecting", false);
    try {
      const link = await live.connect(reef, chosen(), await done(api.GET("/api/v1/transports")), {
        joined: () => { if (here()) guard(load)(); },
        heard: (event) => {
          if (!here()) return;
          if (state.heard) state.heard.push(event); else apply(event);
          if (event.type !== "edited") countSoon();
        },
        state: (on) => { if (here()) showLink(on ? "live" : "reconnecting", on, "sse"); },
        distance: (ms) => { if (here() && state.link?.kind === "webtransport") showLink(`live, ${ms.toFixed(1)} ms`, true, "webtransport"); },
      });
      if (!here()) return link.close();
      state.link = link;
      showLink("live", true, link.kind);
      pause = 500;
      await link.over;
      if (state.link === link) state.link = null;
    } catch { /* it is tried again */ }
    if (!here()) return;
    showLink("reconnecting", false);
    await new Promise((over) => setTimeout(over, pause));
  }
}

const transport = at("transport") as HTMLSelectElement;
const chosen = () => transport.value as live.Kind | "auto";
transport.value = localStorage.getItem("transport") || "auto";
if (!transport.value) transport.value = "auto";
transport.onchange = guard(() => {
  localStorage.setItem("transport", transport.value);
  return visit();
});

function showLink(text: string, on: boolean, kind?: live.Kind) {
  label("link", text);
  const wanted = chosen();
  const instead = wanted !== "auto" && wanted !== kind ? ` in place of ${live.names[wanted]}` : "";
  label("carrier", kind && on ? live.names[kind] + instead : "");
  at("link").classList.toggle("live", on);
}

// --- files and numbers

takeFiles(api, () => Boolean(state.me));

async function loadStats() {
  const s = await done(api.GET("/api/v1/stats"));
  const rows = {
    up: s.uptime, users: s.users, messages: s.messages, watching: s.watchers,
    requests: Object.values(s.responses).reduce((a, b) => a + b, 0), sent: size(s.bytesSent),
  };
  at("stats").replaceChildren(...Object.entries(rows).flatMap(([k, v]) => [element("dt", "", k), element("dd", "", String(v))]));
}

const refresh = () => Promise.all([loadFiles(api), loadStats()]).catch(() => {});

showMe();
if (state.token) api.GET("/api/v1/me").catch(() => {}); // forgets a session that has ended
window.onhashchange = guard(visit);
setInterval(refresh, 5000);
refresh();
guard(visit)();
