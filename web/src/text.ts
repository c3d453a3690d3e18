// Numbers and times as people read them.

import type { EvidenceRow } from './api.gen';

const whole = new Intl.NumberFormat('en');

export const count = (n: number) => whole.format(n);

/** Nearly none is not none, and nearly all is not all. */
export function percent(x: number | null, digits = 0): string {
    if (x === null) return '–';
    const least = 0.5 * 10 ** -digits, y = 100 * x;
    if (y > 0 && y < least) return `<${(2 * least).toFixed(digits)} %`;
    if (y < 100 && y >= 100 - least) return `>${(100 - 2 * least).toFixed(digits)} %`;
    return `${y.toFixed(digits)} %`;
}

const shown_words = 48;
/** A stretch of text on one line, its middle left out when it is long. */
export function brief(text: string): string {
    const line = [...text.replace(/\s+/g, ' ')];
    return line.length <= shown_words ? line.join('') : `${line.slice(0, shown_words - 16).join('')} … ${line.slice(-12).join('')}`;
}

export const plural = (n: number, one: string, several = `${one}s`) => `${count(n)} ${n === 1 ? one : several}`;

export function clock(at: string | number): string {
    return new Date(at).toLocaleTimeString('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
}

/** "just now", "5 min ago", "14:05", "3 May 14:05". */
export function ago(at: string, now: number): string {
    const then = new Date(at), minutes = Math.floor((now - then.getTime()) / 60_000);
    if (minutes < 1) return 'just now';
    if (minutes < 60) return `${minutes} min ago`;
    const day = then.toDateString() === new Date(now).toDateString() ? '' : `${then.toLocaleDateString('en', { day: 'numeric', month: 'short' })} `;
    return day + clock(at);
}

/** What speaks against a label, as part of a sentence. */
export function doubt(e: EvidenceRow): string {
    return `people had said “${brief(e.given)}” (${percent(e.quality, 0)} by the model), it says “${brief(e.likely)}” (${percent(e.probability, 0)})`;
}
