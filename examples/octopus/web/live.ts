// What carries live messages: WebTransport, WebSocket or server-sent events. Each is a link with the
// same few words, so the page does not care which one it has.
import type { Schemas } from "./client";

export type Kind = "webtransport" | "websocket" | "sse";

export const names: Record<Kind, string> = {
  webtransport: "WebTransport", websocket: "WebSocket", sse: "Server-sent events",
};

/** Ears is who a link tells what happens. */
export interface Ears {
  /** joined is told when what was missed is not known: the page loads its messages anew. */
  joined(): void;
  heard(event: Schemas["Event"]): void;
  /** state is told when a link that comes back by itself is gone, or is back. */
  state(live: boolean): void;
  /** distance is told how long there and back takes, in milliseconds. */
  distance(ms: number): void;
}

export interface Link {
  kind: Kind;
  /** over is settled when the link is gone for good. */
  over: Promise<unknown>;
  /** write says something in the reef; a link without it only listens. */
  write?(text: string, token: string): Promise<unknown>;
  close(): void;
}

/** Unwritten is a message that the service has refused. */
export class Unwritten extends Error {
  constructor(readonly status: number, detail: string) { super(detail); }
}

const patience = 4000; // ms for a link to be made

interface Told { type: string; message?: Schemas["Message"]; ref?: number; status?: number; detail?: string }

/** Talk takes what is told over a socket or session, and matches answers to what was said. */
class Talk {
  private last = 0;
  private waiting = new Map<number, { done(v?: unknown): void; fail(e: Error): void }>();
  constructor(private ears: Ears, private begun: () => void, private send: (line: string) => void) {}

  take(line: string) {
    const { type, message, ref = 0, status = 0, detail = "" } = JSON.parse(line) as Told;
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
      this.ears.heard({ type, message } as Schemas["Event"]);
    }
  }

  write = (text: string, token: string) => new Promise((done, fail) => {
    this.waiting.set(++this.last, { done, fail });
    this.send(JSON.stringify({ ref: this.last, token, text }));
  });

  end() {
    for (const asked of this.waiting.values()) asked.fail(new Error("the connection was lost; look whether your message is there"));
    this.waiting.clear();
  }
}

function path(reef: string, what: string) {
  return `/api/v1/reefs/${encodeURIComponent(reef)}/${what}`;
}

function events(reef: string, ears: Ears): Promise<Link> {
  const source = new EventSource(path(reef, "events"));
  return new Promise((made, failed) => {
    let end = (_?: unknown) => {}, known = false;
    const over = new Promise((done) => { end = done; });
    const close = () => { source.close(); end(); };
    source.onopen = () => {
      made({ kind: "sse", over, close });
      ears.state(true);
      if (!known) ears.joined(); // after that the server sends what was missed
      known = true;
    };
    source.onmessage = ({ data }) => ears.heard(JSON.parse(data));
    source.addEventListener("reset", () => ears.joined());
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED || !known) {
        close();
        failed(new Error("no events"));
      } else {
        ears.state(false); // it comes back by itself
      }
    };
    setTimeout(() => { if (!known) { close(); failed(new Error("no events in time")); } }, patience);
  });
}

function socket(reef: string, ears: Ears): Promise<Link> {
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

async function session(reef: string, ears: Ears, hash?: string): Promise<Link> {
  const serverCertificateHashes = hash ? [{ algorithm: "sha-256", value: bytes(hash) }] : [];
  const wt = new WebTransport(location.origin + path(reef, "session"), { serverCertificateHashes });
  const over = wt.closed.catch(() => {});
  const close = () => wt.close();
  const timer = setTimeout(close, patience);
  try {
    await wt.ready;
    const { readable, writable } = await wt.createBidirectionalStream();
    const writer = writable.getWriter(), encoder = new TextEncoder();
    const send = (line: string) => { writer.write(encoder.encode(`${line}\n`)).catch(() => {}); };
    return await new Promise<Link>((made, failed) => {
      const talk = new Talk(ears, () => made({ kind: "webtransport", over, write: talk.write, close }), send);
      over.then(() => { talk.end(); failed(new Error("no session")); });
      listen(readable, (line) => talk.take(line)).catch(() => {}).finally(close);
      send(""); // the server learns of a stream by its first bytes
      measure(wt, ears).catch(() => {});
    });
  } finally {
    clearTimeout(timer);
  }
}

function bytes(base64: string) {
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

async function listen(readable: ReadableStream<Uint8Array<ArrayBuffer>>, take: (line: string) => void) {
  const reader = readable.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop()!;
    parts.filter(Boolean).forEach(take);
  }
}

/** measure sends the time by datagrams, which come back, or not. */
async function measure(wt: WebTransport, ears: Ears) {
  const writer = wt.datagrams.writable.getWriter(), reader = wt.datagrams.readable.getReader();
  const ping = () => { writer.write(new Float64Array([performance.now()])).catch(() => {}); };
  ping();
  const timer = setInterval(ping, 2000);
  wt.closed.catch(() => {}).finally(() => clearInterval(timer));
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const [sent] = new Float64Array(value.slice().buffer);
    ears.distance(performance.now() - sent!);
  }
}

/** connect makes a link of the wanted kind, or else of the best that there is. */
export async function connect(reef: string, wanted: Kind | "auto", has: Schemas["Transports"], ears: Ears): Promise<Link> {
  // Sessions are of the page's own origin, and that has to be the one of HTTP/3.
  const able = has.webTransport && location.protocol === "https:" && "WebTransport" in window;
  const open: [Kind, () => Promise<Link>][] = [
    ["websocket", () => socket(reef, ears)],
    ["sse", () => events(reef, ears)],
  ];
  if (able) open.unshift(["webtransport", () => session(reef, ears, has.certificateHash)]);
  open.sort(([a], [b]) => Number(b === wanted) - Number(a === wanted));
  for (const [, make] of open) {
    try { return await make(); } catch { /* the next one */ }
  }
  throw new Error("nothing connects");
}
