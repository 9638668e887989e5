// Short words for what the page does with its elements.

export function at(id: string): HTMLElement {
  return document.getElementById(id)!;
}

export const button = (id: string) => at(id) as HTMLButtonElement;
export const form = (id: string) => at(id) as HTMLFormElement;

export function field(of: HTMLFormElement, name: string): HTMLInputElement {
  return of.elements.namedItem(name) as HTMLInputElement;
}

export function label(id: string, text: string) {
  at(id).textContent = text;
}

export function element<N extends keyof HTMLElementTagNameMap>(name: N, className = "", text?: string): HTMLElementTagNameMap[N] {
  const e = document.createElement(name);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

let toastTimer = 0;

function toast(err: unknown) {
  label("toast", err instanceof Error ? err.message : String(err));
  at("toast").classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => at("toast").classList.remove("shown"), 4000);
}

/** guard shows what goes wrong in an event handler. */
export function guard<A extends unknown[]>(f: (...args: A) => unknown) {
  return async (...args: A) => {
    try { await f(...args); } catch (err) { toast(err); }
  };
}

export const size = (n: number) => (n < 1024 ? `${n} B` : n < 1 << 20 ? `${(n / 1024).toFixed(1)} KB` : `${(n / (1 << 20)).toFixed(1)} MB`);
