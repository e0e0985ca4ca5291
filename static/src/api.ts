/** Calls to the JSON API: one way in, one kind of error out. */

export class ApiError extends Error {
  constructor(
    /** HTTP status, or 0 when no answer came at all. */
    readonly status: number,
    readonly code: string,
    message: string,
    /** How long the server asks us to wait, in ms. */
    readonly retryAfter: number | null = null,
    readonly body: Record<string, unknown> = {},
  ) {
    super(message);
  }

  /** Worth sending again as it is: nobody answered, or the server is short of breath. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export interface CallOptions {
  body?: unknown;
  /** Let the request outlive the page. Browsers refuse it above 64 KB in flight. */
  keepalive?: boolean;
}

const KEEPALIVE_BYTES = 60_000;
const NO_ANSWER_MS = 15_000;

export async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  const response = await send(method, path, options);
  const body = await readJson(response);
  if (!response.ok) throw errorFrom(response, body);
  return body as T;
}

async function send(method: string, path: string, { body, keepalive }: CallOptions): Promise<Response> {
  const text = body === undefined ? null : JSON.stringify(body);
  const abort = new AbortController();
  const waiting = setTimeout(() => abort.abort(), NO_ANSWER_MS);
  try {
    return await fetch(path, {
      method,
      body: text,
      credentials: "same-origin",
      headers: headersFor(text),
      keepalive: Boolean(keepalive) && byteLength(text) <= KEEPALIVE_BYTES,
      signal: abort.signal,
    });
  } catch {
    throw new ApiError(0, "offline", "offline");
  } finally {
    clearTimeout(waiting);
  }
}

function headersFor(text: string | null): Record<string, string> {
  const headers: Record<string, string> = {
    Accept: "application/json",
    "X-CSRF-Token": document.body.dataset["csrf"] ?? "",
  };
  if (text !== null) headers["Content-Type"] = "application/json";
  return headers;
}

function byteLength(text: string | null): number {
  return text === null ? 0 : new TextEncoder().encode(text).length;
}

async function readJson(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch {
    return {}; // a proxy's error page, or a connection cut short
  }
}

function errorFrom(response: Response, body: unknown): ApiError {
  const record = isRecord(body) ? body : {};
  const error = isRecord(record["error"]) ? record["error"] : {};
  const seconds = Number.parseFloat(response.headers.get("Retry-After") ?? "");
  return new ApiError(
    response.status,
    String(error["code"] ?? "error"),
    String(error["message"] ?? response.statusText),
    Number.isFinite(seconds) ? seconds * 1000 : null,
    record,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
