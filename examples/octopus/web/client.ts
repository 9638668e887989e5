// The typed client: paths, inputs and answers are those of the API's own document.
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Client = ReturnType<typeof connect>;

/** Refused is an answer that is a problem document (RFC 9457). */
export class Refused extends Error {
  constructor(readonly status: number, problem: Partial<Schemas["Problem"]>) {
    super(problem.detail || problem.title || `the server answered ${status}`);
  }
}

/** connect returns a client that sends the token, if there is one, and tells when it is no longer good. */
export function connect(token: () => string | null, expired: () => void) {
  const session: Middleware = {
    onRequest({ request }) {
      const have = token();
      if (have) request.headers.set("Authorization", `Bearer ${have}`);
      return request;
    },
    onResponse({ response }) {
      if (response.status === 401 && token()) expired();
    },
  };
  const client = createClient<paths>();
  client.use(session);
  return client;
}

/** done returns what an operation answered, and throws what it refused. */
export async function done<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw new Refused(response.status, typeof error === "object" && error ? error : {});
  return data as T;
}
