// One request to the server. What can go wrong has two kinds: Problem, the server's answer (RFC 9457), and Unreachable, no
// answer at all; only the caller knows whether to ask again.

export class Problem extends Error {
    constructor(
        readonly status: number,
        readonly kind: string, // last part of `type`, as in errors.def: "lease", "auth", …
        readonly title: string,
        readonly detail: string,
        readonly field: string | null,
        readonly hint: string | null,
    ) {
        super(detail || title);
    }
    /** The same request may succeed later. */
    get passing(): boolean {
        return this.status >= 500 || this.status === 408 || this.status === 429;
    }
}

export class Unreachable extends Error {
    constructor() {
        super('the server cannot be reached');
    }
}

/** What to tell a person about any error. */
export function explain(e: unknown): string {
    if (!(e instanceof Problem)) return e instanceof Error ? e.message : String(e);
    return e.message + (e.hint ? ` (${e.hint})` : '');
}

const timeout_ms = 20_000;
let signedOut: () => void = () => {};
let skew_ms = 0;

/** What happens when the server no longer knows who asks. */
export function onSignedOut(f: () => void): void {
    signedOut = f;
}

/** The server's clock, as near as its Date header tells: leases end by that one. */
export function serverNow(): number {
    return Date.now() + skew_ms;
}

function readClock(r: Response): void {
    const date = Date.parse(r.headers.get('Date') ?? '');
    // The header has whole seconds: within one the clocks are taken as equal.
    if (Number.isFinite(date)) skew_ms = Math.abs(date - Date.now()) < 1500 ? 0 : date - Date.now();
}

async function problemOf(r: Response): Promise<Problem> {
    const p: Record<string, unknown> = await r.json().catch(() => ({}));
    const text = (name: string) => (typeof p[name] === 'string' ? (p[name] as string) : '');
    const title = text('title') || r.statusText || `status ${r.status}`;
    return new Problem(r.status, text('type').split(/[/#:]/).pop() ?? '', title, text('detail'), text('field') || null, text('hint') || null);
}

export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
    let r: Response;
    try {
        r = await fetch(path, {
            method,
            credentials: 'same-origin',
            cache: 'no-store',
            signal: AbortSignal.timeout(timeout_ms),
            headers: method === 'GET' ? {} : { 'Content-Type': 'application/json' },
            body: method === 'GET' ? null : JSON.stringify(body ?? {}),
        });
    } catch {
        throw new Unreachable();
    }
    readClock(r);
    if (!r.ok) {
        const p = await problemOf(r);
        if (p.status === 401) signedOut();
        throw p;
    }
    return r.status === 204 ? (undefined as T) : ((await r.json().catch(() => Promise.reject(new Unreachable()))) as T);
}
