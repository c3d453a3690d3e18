// Places in a text. The server counts code points, the browser UTF-16 units; words are what a reader takes for one, an emoji of
// many code points too. All functions here are pure.
import type { Span } from './api.gen';

/** Between units and code points: only the surrogate pairs before a place make a difference. */
export class Places {
    private readonly pairs: number[] = []; // units at which a pair begins

    constructor(readonly text: string) {
        for (const m of text.matchAll(/[\ud800-\udbff][\udc00-\udfff]/g)) this.pairs.push(m.index);
    }

    /** Pairs for which `before` holds; it holds for a first part of them. */
    private count(before: (unit: number, i: number) => boolean): number {
        let lo = 0, hi = this.pairs.length;
        while (lo < hi) {
            const mid = (lo + hi) >> 1;
            if (before(this.pairs[mid]!, mid)) lo = mid + 1;
            else hi = mid;
        }
        return lo;
    }

    /** A place inside a pair counts as after it. */
    toPoint(unit: number): number {
        const n = this.count((u) => u < unit);
        return n > 0 && this.pairs[n - 1]! + 1 === unit ? unit + 1 - n : unit - n;
    }

    toUnit(point: number): number {
        return point + this.count((u, i) => u - i < point);
    }

    slice(s: Pick<Span, 'start' | 'end'>): string {
        return this.text.slice(this.toUnit(s.start), this.toUnit(s.end));
    }
}

/** A stretch of units, end not included. */
export interface Stretch {
    from: number;
    to: number;
}

/** Words, numbers, and every other sign by itself, without white space. */
export function tokensOf(text: string): Stretch[] {
    const out: Stretch[] = [];
    if (typeof Intl.Segmenter === 'function') {
        for (const s of new Intl.Segmenter(undefined, { granularity: 'word' }).segment(text)) if (s.segment.trim()) out.push({ from: s.index, to: s.index + s.segment.length });
        return out;
    }
    for (const m of text.matchAll(/[\p{L}\p{N}\p{M}_]+|[^\s\p{L}\p{N}_]\p{M}*/gu)) out.push({ from: m.index, to: m.index + m[0].length });
    return out;
}

/** The first token that ends after a place; their number when none does. */
export function tokenAt(tokens: Stretch[], unit: number): number {
    let lo = 0, hi = tokens.length;
    while (lo < hi) {
        const mid = (lo + hi) >> 1;
        if (tokens[mid]!.to <= unit) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

/** The whole tokens a stretch touches; null: none. */
export function snap(tokens: Stretch[], s: Stretch): Stretch | null {
    const first = tokenAt(tokens, s.from);
    let last = first;
    while (last + 1 < tokens.length && tokens[last + 1]!.from < s.to) last++;
    const a = tokens[first], b = tokens[last];
    return a && b && a.from < s.to ? { from: a.from, to: b.to } : null;
}

export interface Lane {
    span: Span;
    lane: number;
}
/** A piece of the text with the same regions all over it, and those that end with it. */
export interface Piece extends Stretch {
    over: Lane[];
    ends: Lane[];
}

/** Regions in lanes, so that overlapping ones do not hide each other; spans in their order (answer.ts). */
export function lanesOf(spans: Span[]): Lane[] {
    const until: number[] = [];
    return spans.map((span) => {
        const free = until.findIndex((end) => end <= span.start), lane = free < 0 ? until.length : free;
        until[lane] = span.end;
        return { span, lane };
    });
}

/** The text in pieces between where regions begin and end. */
export function piecesOf(places: Places, lanes: Lane[]): Piece[] {
    const cuts = new Set([0, places.text.length]), begins = new Map<number, Lane[]>(), ends = new Map<number, Lane[]>();
    const put = (m: Map<number, Lane[]>, at: number, l: Lane) => {
        const list = m.get(at);
        if (list) list.push(l);
        else m.set(at, [l]);
        cuts.add(at);
    };
    for (const l of lanes) {
        put(begins, places.toUnit(l.span.start), l);
        put(ends, places.toUnit(l.span.end), l);
    }
    const at = [...cuts].sort((a, b) => a - b);
    let over: Lane[] = [];
    return at.slice(0, -1).map((from, i) => {
        const to = at[i + 1]!, done = [...(ends.get(to) ?? [])].reverse(); // the inner one first
        over = over.filter((l) => !(ends.get(from) ?? []).includes(l)).concat(begins.get(from) ?? []);
        return { from, to, over, ends: done };
    });
}
