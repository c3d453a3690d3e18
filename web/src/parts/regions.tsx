// The regions of a text as a list: to read them, to go to one, to take one away.
import { useState } from 'preact/hooks';
import type { Span } from '../api.gen';
import type { Places } from '../places';
import { brief, count } from '../text';
import type { Pen } from '../pen';
import { hueOf } from './marked';

const at_once = 60; // more are shown when asked for

export function Regions({ pen, labels }: { pen: Pen; labels: string[] }) {
    const [all, show] = useState(false), spans = pen.spans.value, held = pen.inHand.value;
    if (spans.length === 0) return <p class="hint regions-none">No region yet. Select words and press a label’s key.</p>;
    return (
        <ol class="regions" aria-label="Regions">
            {(all ? spans : spans.slice(0, at_once)).map((s) => (
                <li key={`${s.start} ${s.end} ${s.label}`} class={s === held ? 'in-hand' : ''}>
                    <button type="button" class="to" onMouseDown={(e) => e.preventDefault()} onClick={() => pen.take(s)} aria-pressed={s === held}>
                        <span class={`swatch ${hueOf(labels, s.label)}`} /><span class="name">{s.label}</span> <q>{pen.quote(s)}</q>
                    </button>
                    <button type="button" class="close" aria-label={`Remove ${s.label}: ${pen.quote(s)}`} onMouseDown={(e) => e.preventDefault()} onClick={() => { pen.take(s); pen.remove(); }}>×</button>
                </li>
            ))}
            {!all && spans.length > at_once && <li><button type="button" class="to" onClick={() => show(true)}>{count(spans.length - at_once)} more</button></li>}
        </ol>
    );
}

/** In a few words, as somebody said them; those not everybody said stand out. */
export function SpansSaid({ spans, places, alone }: { spans: Span[]; places: Places | null; alone?: (s: Span) => boolean }) {
    if (spans.length === 0) return <i>no region</i>;
    return (
        <ul class="said-spans">
            {spans.slice(0, at_once).map((s) => (
                <li key={`${s.start} ${s.end} ${s.label}`} class={alone?.(s) ? 'alone' : ''}>{s.label} <q>{places ? brief(places.slice(s)) : `${s.start}–${s.end}`}</q></li>
            ))}
            {spans.length > at_once && <li>and {count(spans.length - at_once)} more</li>}
        </ul>
    );
}
