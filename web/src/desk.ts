// A person's desk in one project: the item before them, the one after it already here, and what their keys do. An answer shows
// the next item at once; the outbox brings it to the server, whose reply brings the item after that.
import { doubt } from './text';
import { inOrder, isNothing, nothing, ofAnswer, ofBefore, ofMachine, withBefore, words, type Form, type Said } from './answer';
import { batch, computed, effect, signal } from '@preact/signals';
import { api, type Span, type TaskRequest, type TaskRow, type Tasks } from './api.gen';
import { explain, Problem, serverNow } from './call';
import { say } from './live';
import * as outbox from './outbox';
import { keep, kept } from './storage';

export type DeskName = TaskRequest['desk'];
/** loading: asking · work: an item is shown · empty: nothing to do now · away: the lease ran out unattended · failed: cannot ask */
export type DeskState = 'loading' | 'work' | 'empty' | 'away' | 'failed';

const ahead = 2; // items reserved: the one shown and the next
const first_poll_ms = 4000, longest_poll_ms = 20_000;
const tick_ms = 5000;
const renew_before_ms = 60_000; // a lease this close to its end is renewed while somebody is at work
const idle_ms = 120_000;
const longest_history = 50; // answers whose flag and comment come back with an undo

/** An answer given here, to be shown again if it is taken back. */
interface Done {
    task: TaskRow;
    said: Said;
    flagged: boolean;
    comment: string;
}

export class Desk {
    readonly tasks = signal<TaskRow[]>([]);
    readonly state = signal<DeskState>('loading');
    readonly error = signal('');
    readonly flagged = signal(false);
    readonly comment = signal('');
    /** Where labels are sets or regions: what has been chosen of the item shown so far. It outlives a reload. */
    readonly chosen = signal<string[]>([]);
    readonly spans = signal<Span[]>([]);
    readonly answered = signal(0);
    readonly open = signal(0); // answers wanted at this desk beside those reserved
    readonly undoing = signal(false);
    readonly task = computed<TaskRow | null>(() => this.tasks.value[0] ?? null);

    private readonly handled = new Set<number>(); // tokens answered here: replies on the way may still list them
    private readonly history: Done[] = [];
    private polls = 0;
    private asked_ms = 0;
    private active_ms = Date.now();
    private asking = false;
    private stops: (() => void)[] = [];

    constructor(
        readonly project: number,
        readonly name: DeskName,
        private readonly form: Form,
    ) {}

    private get draftKey(): string {
        return `karat.draft.${this.project}.${this.name}`;
    }

    /** Shows an item: what was chosen of it before this page was loaded, what was taken back, or what the machine says. */
    private begin(task: TaskRow | undefined): void {
        const draft = JSON.parse(kept(this.draftKey) ?? 'null') as { token: number; labels: string[]; spans: Span[] } | null;
        const said = task && (draft?.token === task.token ? draft : isNothing(ofBefore(task)) ? ofMachine(task) : ofBefore(task));
        this.chosen.value = said?.labels ?? [];
        this.spans.value = inOrder(said?.spans ?? []);
    }

    private keepDraft(): void {
        const token = this.task.value?.token, labels = this.chosen.value, spans = this.spans.value;
        if (token !== undefined) keep(this.draftKey, JSON.stringify({ token, labels, spans }));
    }

    toggle(label: string): void {
        const on = !this.chosen.value.includes(label);
        this.chosen.value = on ? [...this.chosen.value, label] : this.chosen.value.filter((l) => l !== label);
        say(`${label} ${on ? 'on' : 'off'}: ${words({ ...nothing, labels: this.chosen.value })}`);
    }

    /** Answers with what is chosen. */
    submit(form: Form): void {
        this.answer(form === 'labels' ? { ...nothing, labels: this.chosen.value } : { ...nothing, spans: this.spans.value });
    }

    /** Goes on from what somebody else said. */
    borrow(who: string, said: Said): void {
        this.chosen.value = said.labels ?? [];
        this.spans.value = inOrder(said.spans ?? []);
        say(`From here on: what ${who} said, ${words(said)}.`);
    }

    start(): void {
        if (this.form !== 'label') this.stops.push(effect(() => this.keepDraft()));
        this.stops.push(outbox.onSettled((s) => this.settled(s)));
        const tick = setInterval(() => this.tick(), tick_ms);
        const touch = () => (this.active_ms = Date.now());
        for (const e of ['keydown', 'pointerdown', 'wheel', 'touchmove']) {
            addEventListener(e, touch, { passive: true });
            this.stops.push(() => removeEventListener(e, touch));
        }
        const online = () => void this.next();
        addEventListener('online', online);
        this.stops.push(() => clearInterval(tick), () => removeEventListener('online', online));
        void outbox.flush().then(() => this.next());
    }

    stop(): void {
        this.stops.forEach((f) => f());
        this.stops = [];
    }

    /** Answers the shown item; nothing skips it. */
    answer(said: Said): void {
        const task = this.task.value;
        if (!task || this.undoing.value) return;
        this.handled.add(task.token);
        const done = { task, said, flagged: this.flagged.value, comment: this.comment.value.trim() };
        this.history.push(done);
        if (this.history.length > longest_history) this.history.shift();
        const body = {
            desk: this.name, token: task.token, item: task.item, ...said, flagged: done.flagged, comment: done.comment,
            client_id: crypto.randomUUID(), want: ahead,
        };
        this.advance(this.tasks.value.slice(1), 'loading');
        outbox.add(this.project, task.id, body);
        say(`${task.id}: ${words(said)}`);
    }

    /** Takes the last answer back and shows its item again. */
    async undo(): Promise<void> {
        if (this.undoing.value) return;
        const back = outbox.takeBack(this.project, this.name);
        const done = this.history[this.history.length - 1];
        if (back && done?.task.token === back.answer.token) return this.restore(withBefore(done.task, done.said));
        this.undoing.value = true;
        try {
            await outbox.flush();
            if (outbox.waiting.value > 0) return say('Not taken back: the last answer is still on its way to the server.');
            const r = await api.answer_undo(this.project, { desk: this.name, want: ahead });
            this.counts(r);
            if (r.tasks[0]) this.restore(r.tasks[0]);
        } catch (e) {
            say(`Not taken back: ${explain(e)}.`);
        } finally {
            this.undoing.value = false;
        }
    }

    /** Asks for items; also renews the lease of the one shown. */
    async next(): Promise<void> {
        if (this.asking) return;
        this.asking = true;
        try {
            const r = await api.task_next(this.project, { desk: this.name, want: ahead });
            this.counts(r);
            this.take(r.tasks);
        } catch (e) {
            this.error.value = explain(e);
            if (!this.task.value) this.state.value = 'failed';
        } finally {
            this.asking = false;
        }
    }

    private counts(r: Tasks): void {
        this.answered.value = r.answered;
        this.open.value = r.open;
    }

    /** What the server says is reserved for this person now; the item on screen stays in its place. */
    private take(tasks: TaskRow[]): void {
        const fresh = tasks.filter((t) => !this.handled.has(t.token) && !outbox.unsent.value.some((u) => u.answer.token === t.token));
        const shown = this.task.value;
        if (!shown) return this.advance(fresh);
        const renewed = fresh.find((t) => t.token === shown.token);
        if (!renewed && Date.parse(shown.deadline) < serverNow()) {
            say('The time for that item ran out; it went back to the queue. Here is another one.');
            return this.advance(fresh);
        }
        if (renewed) shown.deadline = renewed.deadline; // same object: what is on screen does not change
        this.tasks.value = [shown, ...fresh.filter((t) => t.token !== shown.token)];
    }

    private advance(tasks: TaskRow[], none: DeskState = outbox.waiting.value > 0 ? 'loading' : 'empty'): void {
        batch(() => {
            this.flagged.value = false;
            this.comment.value = '';
            this.tasks.value = tasks;
            this.begin(tasks[0]);
            this.state.value = tasks.length > 0 ? 'work' : none;
        });
        if (tasks.length > 0) this.polls = 0;
    }

    private restore(task: TaskRow): void {
        this.handled.delete(task.token);
        const done = this.history.pop();
        this.advance([task, ...this.tasks.value.filter((t) => t.token !== task.token)]);
        if (done?.task.item === task.item) {
            this.flagged.value = done.flagged;
            this.comment.value = done.comment;
        }
        say(`Taken back: ${words(ofBefore(task))}. The item is here again.`);
    }

    private settled(s: outbox.Settled): void {
        if (s.unsent.project !== this.project || s.unsent.answer.desk !== this.name) return;
        if (s.answered) {
            this.counts(s.answered);
            const e = s.answered.evidence[0];
            if (e) say(`${s.unsent.itemId} came to you because a model doubted its label: ${doubt(e)}.`);
            return this.take(s.answered.tasks);
        }
        say(this.refusal(s), true);
        void this.next();
    }

    private refusal(s: outbox.Settled): string {
        const what = `Your answer “${words(ofAnswer(s.unsent.answer))}” for ${s.unsent.itemId} was not taken`;
        const passedOn = s.refused instanceof Problem && s.refused.kind === 'lease';
        return passedOn ? `${what}: its time had run out and the item went to somebody else.` : `${what}: ${explain(s.refused)}.`;
    }

    private tick(): void {
        const task = this.task.value, now = Date.now();
        if (!task) {
            if (this.state.value === 'away') return;
            // Nothing to do: ask again, ever more slowly, and slowest while nobody looks.
            const every_ms = document.hidden ? longest_poll_ms * 3 : Math.min(first_poll_ms * 1.5 ** this.polls, longest_poll_ms);
            if (now - this.asked_ms < every_ms) return;
            this.asked_ms = now;
            this.polls++;
            return void this.next();
        }
        const left_ms = Date.parse(task.deadline) - serverNow();
        if (left_ms > renew_before_ms) return;
        if (now - this.active_ms < idle_ms) void this.next();
        else if (left_ms < 0) {
            this.tasks.value = [];
            this.state.value = 'away';
        }
    }
}
