// What marks regions in one text: where the cursor or the selection is, which region is in hand, and what keys do with them.
// The selection counts UTF-16 units, as the browser does; regions count code points, as the server does.
import { signal, type Signal } from '@preact/signals';
import type { Span, TaskRow } from './api.gen';
import { inOrder, sameSpan } from './answer';
import { say } from './live';
import { Places, snap, tokenAt, tokensOf, type Stretch } from './places';
import { brief, plural } from './text';

/** exact: to be taken as it is, not widened to whole words. */
export interface Selection extends Stretch {
    exact: boolean;
}

export class Pen {
    readonly places: Places;
    readonly selection = signal<Selection | null>(null);
    readonly inHand = signal<Span | null>(null); // a region: its label can be changed, it can be removed
    private words: Stretch[] | null = null;
    private anchor = 0; // the token a selection by keys began at …
    private head = -1;  // … and the one the cursor is on; -1: nowhere yet

    constructor(readonly task: TaskRow, readonly spans: Signal<Span[]>) {
        this.places = new Places(task.text);
    }

    /** Cut when first asked for: a long text takes a moment. */
    private get tokens(): Stretch[] {
        return (this.words ??= tokensOf(this.places.text));
    }

    quote(s: Span): string {
        return brief(this.places.slice(s));
    }

    /** By mouse or finger. */
    select(from: number, to: number, exact: boolean): void {
        const got = exact ? { from, to } : snap(this.tokens, { from, to });
        this.inHand.value = null;
        this.selection.value = got && { ...got, exact };
        if (!got) return;
        this.anchor = tokenAt(this.tokens, got.from);
        this.head = Math.max(this.anchor, tokenAt(this.tokens, got.to - 1));
    }

    /** A selection under way: kept as it is until a label is given to it. */
    selecting(from: number, to: number): void {
        this.inHand.value = null;
        this.selection.value = { from, to, exact: false };
    }

    /** At a place somebody pointed at: the regions there one after the other, the shortest first; without any, the word. */
    point(unit: number): void {
        const p = this.places.toPoint(unit);
        const here = this.spans.value.filter((s) => s.start <= p && p < s.end).sort((a, b) => a.end - a.start - (b.end - b.start));
        const at = here.findIndex((s) => s === this.inHand.value);
        if (here.length > 0) return this.take(here[(at + 1) % here.length]!);
        if (unit < this.places.text.length) this.select(unit, unit + 1, false);
    }

    /** Takes a region in hand. */
    take(s: Span): void {
        const from = this.places.toUnit(s.start), to = this.places.toUnit(s.end);
        this.selection.value = { from, to, exact: true };
        this.inHand.value = s;
        this.anchor = tokenAt(this.tokens, from);
        this.head = Math.max(this.anchor, tokenAt(this.tokens, to - 1));
    }

    /** To a token by its place in the text; extend: everything from where the selection began. */
    goTo(token: number, extend: boolean): void {
        if (this.tokens.length === 0) return;
        this.head = Math.max(0, Math.min(token, this.tokens.length - 1));
        if (!extend) this.anchor = this.head;
        const first = this.tokens[Math.min(this.anchor, this.head)]!, last = this.tokens[Math.max(this.anchor, this.head)]!;
        this.inHand.value = null;
        this.selection.value = { from: first.from, to: last.to, exact: false };
    }

    /** by tokens, from where the cursor is; the first time onto the text's first. */
    move(by: number, extend: boolean): void {
        this.goTo(this.head < 0 ? 0 : this.head + by, extend);
    }

    toEdge(last: boolean, extend: boolean): void {
        this.goTo(last ? this.tokens.length - 1 : 0, extend);
    }

    toUnit(unit: number, extend: boolean): void {
        this.goTo(tokenAt(this.tokens, unit), extend);
    }

    /** Where the moving end of the selection is. */
    cursor(): Stretch | null {
        return this.head < 0 ? null : (this.tokens[this.head] ?? null);
    }

    /** The next region, or the one before; false: there is none, the focus may go on. */
    step(back: boolean): boolean {
        const all = this.spans.value, held = this.inHand.value;
        const at = this.selection.value === null ? -1 : this.places.toPoint(this.selection.value.from);
        const behind = all.filter((s) => s.start < at).length; // they stand in order
        const i = held ? all.indexOf(held) + (back ? -1 : 1) : back ? behind - 1 : behind;
        const next = all[i];
        if (next) this.take(next);
        return next !== undefined;
    }

    /** Gives the region in hand another label, or makes a region of the selection. */
    mark(label: string): void {
        const held = this.inHand.value, s = this.selection.value;
        if (held) return this.put([...this.spans.value.filter((x) => x !== held), { ...held, label }], { ...held, label });
        const got = s && (s.exact ? s : snap(this.tokens, s));
        if (!got) return say('Nothing is selected: go to a word with the arrow keys, or select with the mouse.');
        const made = { start: this.places.toPoint(got.from), end: this.places.toPoint(got.to), label };
        this.put([...this.spans.value, made], made);
    }

    private put(spans: Span[], made: Span): void {
        this.spans.value = inOrder(spans);
        this.take(this.spans.value.find((s) => sameSpan(s, made))!);
        say(`${made.label}: “${this.quote(made)}”. ${plural(this.spans.value.length, 'region')}.`);
    }

    /** Removes the region in hand, or else the shortest one under the cursor. */
    remove(): void {
        const at = this.selection.value === null ? -1 : this.places.toPoint(this.selection.value.from);
        const under = this.spans.value.filter((s) => s.start <= at && at < s.end).sort((a, b) => a.end - a.start - (b.end - b.start))[0];
        const gone = this.inHand.value ?? under;
        if (!gone) return say('No region is here: Tab goes from region to region.');
        this.inHand.value = null;
        this.spans.value = this.spans.value.filter((s) => s !== gone);
        say(`Removed ${gone.label}: “${this.quote(gone)}”. ${plural(this.spans.value.length, 'region')}.`);
    }

    let(): void {
        this.inHand.value = null;
        this.selection.value = null;
    }
}
