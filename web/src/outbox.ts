// Answers on their way to the server. Each is kept in localStorage from the key press until the server has acknowledged it,
// and sent again with the same client_id for as long as that takes: the server takes a repeated one as the same answer.
// One at a time and in order, so an undo can follow.
import { computed, effect, signal, untracked } from '@preact/signals';
import { api, type Answer, type Answered } from './api.gen';
import { explain, Problem } from './call';
import { me } from './session';
import { forget, keep, kept, keysUnder } from './storage';

export interface Unsent {
    user: number;
    project: number;
    itemId: string; // to name it to the person
    at: number;
    answer: Answer;
}
/** What became of an answer: the server's acknowledgement, or why it will never take it. */
export interface Settled {
    unsent: Unsent;
    answered: Answered | null;
    refused: Problem | null;
}

export const unsent = signal<Unsent[]>([]);
/** Why answers are still waiting; null while all goes well. */
export const trouble = signal<string | null>(null);
/** False when the browser refused to keep one: closing the tab would lose it. */
export const safe = signal(true);
export const waiting = computed(() => unsent.value.length);

const prefix = 'karat.unsent.';
const keyOf = (u: Unsent) => `${prefix}${u.user}.${u.answer.client_id}`;
const untried = new Set<string>(); // client ids never sent: these can be taken back without asking the server
const listeners = new Set<(s: Settled) => void>();
const first_wait_ms = 1000, longest_wait_ms = 15_000;
let wait_ms = first_wait_ms;
let timer: ReturnType<typeof setTimeout> | undefined;
let running: Promise<void> | null = null;

export function onSettled(f: (s: Settled) => void): () => void {
    listeners.add(f);
    return () => listeners.delete(f);
}

function remove(u: Unsent): void {
    forget(keyOf(u));
    untried.delete(u.answer.client_id);
    unsent.value = unsent.value.filter((x) => x !== u);
    if (unsent.value.length === 0) safe.value = true;
}

function settle(u: Unsent, answered: Answered | null, refused: Problem | null): void {
    remove(u);
    trouble.value = null;
    wait_ms = first_wait_ms;
    listeners.forEach((f) => f({ unsent: u, answered, refused }));
}

function retryLater(why: string): void {
    trouble.value = why;
    clearTimeout(timer);
    timer = setTimeout(() => void flush(), wait_ms);
    wait_ms = Math.min(2 * wait_ms, longest_wait_ms);
}

/** Sends one; false when there is no point in going on now. */
async function send(u: Unsent): Promise<boolean> {
    untried.delete(u.answer.client_id);
    try {
        settle(u, await api.answer_submit(u.project, u.answer), null);
        return true;
    } catch (e) {
        if (e instanceof Problem && e.status === 401) return false; // goes on after signing in
        if (e instanceof Problem && !e.passing) {
            settle(u, null, e);
            return true;
        }
        retryLater(explain(e));
        return false;
    }
}

async function sendAll(): Promise<void> {
    clearTimeout(timer);
    for (let u = unsent.value[0]; u && me.value?.id === u.user; u = unsent.value[0]) if (!(await send(u))) return;
}

/** Sends what waits; resolves when all is settled or the first try failed. */
export function flush(): Promise<void> {
    running ??= sendAll().finally(() => (running = null));
    return running;
}

export function add(project: number, itemId: string, answer: Answer): void {
    const last = unsent.value[unsent.value.length - 1];
    const u: Unsent = { user: me.value?.id ?? 0, project, itemId, at: Math.max(Date.now(), (last?.at ?? 0) + 1), answer };
    untried.add(u.answer.client_id);
    if (!keep(keyOf(u), JSON.stringify(u))) safe.value = false;
    unsent.value = [...unsent.value, u];
    if (trouble.value === null) void flush();
}

/** Takes the last answer of a desk back if it has never left this page. */
export function takeBack(project: number, desk: string): Unsent | null {
    const last = unsent.value[unsent.value.length - 1];
    if (!last || last.project !== project || last.answer.desk !== desk || !untried.has(last.answer.client_id)) return null;
    remove(last);
    return last;
}

/** What this user left behind: kept by an earlier page, or only held by this one. */
function load(user: number): Unsent[] {
    const found = keysUnder(`${prefix}${user}.`)
        .map((k) => JSON.parse(kept(k) ?? 'null') as Unsent | null)
        .filter((u): u is Unsent => u !== null);
    const held = unsent.value.filter((u) => u.user === user && !found.some((x) => x.answer.client_id === u.answer.client_id));
    return [...found, ...held].sort((a, b) => a.at - b.at);
}

export function start(): void {
    effect(() => {
        const user = me.value;
        if (!user) return;
        untracked(() => {
            trouble.value = null;
            unsent.value = load(user.id);
            void flush();
        });
    });
    addEventListener('online', () => void flush());
    addEventListener('beforeunload', (e) => {
        if (unsent.value.length > 0) e.preventDefault();
    });
}
