// The text regions are marked in. The cursor is the browser's own selection: it is seen, read aloud and made with a mouse or a
// finger as anywhere; the pen (pen.ts) says where it goes by keys, and what is done with it.
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import type { Pen } from '../pen';
import { depth, Marked, tagKey } from './marked';

type Box = { current: HTMLElement | null };

/** The unit of the text at a place of the page's tree; null: it is elsewhere. */
function unitAt(box: HTMLElement, node: Node | null, offset: number): number | null {
    if (!node || !box.contains(node)) return null;
    const piece = (node instanceof Element ? node : node.parentElement)?.closest<HTMLElement>('[data-at]');
    if (piece && node.nodeType === Node.TEXT_NODE) return Number(piece.dataset.at) + offset;
    // Between the pieces, or in a tag: where the next piece begins.
    const before = document.createRange();
    before.setStart(box, 0);
    before.setEnd(node, offset);
    let end = 0;
    for (const p of box.querySelectorAll<HTMLElement>('[data-at]')) {
        if (before.comparePoint(p, 0) > 0) break;
        end = Number(p.dataset.at) + (before.comparePoint(p, p.childNodes.length) <= 0 ? (p.textContent ?? '').length : 0);
    }
    return end;
}

/** The other way round. */
function placeOf(box: HTMLElement, unit: number, end: boolean): [Node, number] | null {
    const pieces = box.querySelectorAll<HTMLElement>('[data-at]');
    let lo = 0, hi = pieces.length;
    while (lo < hi) { // the last piece that begins at or before it; an end belongs to the piece before
        const mid = (lo + hi) >> 1, at = Number(pieces[mid]!.dataset.at);
        if (end ? at < unit : at <= unit) lo = mid + 1;
        else hi = mid;
    }
    const piece = pieces[Math.max(lo - 1, 0)], text = piece?.firstChild;
    return text ? [text, Math.min(unit - Number(piece.dataset.at), text.nodeValue?.length ?? 0)] : null;
}

function rangeOf(box: HTMLElement, from: number, to: number): Range | null {
    const a = placeOf(box, from, false), b = placeOf(box, to, true);
    if (!a || !b) return null;
    const r = document.createRange();
    r.setStart(...a);
    r.setEnd(...b);
    return r;
}

/** What is selected in the text now, in units; what goes beyond the text is cut off. */
function selected(box: HTMLElement): { from: number; to: number } | null {
    const s = getSelection();
    if (!s || s.rangeCount === 0) return null;
    const r = s.getRangeAt(0);
    if (!r.intersectsNode(box)) return null;
    return { from: unitAt(box, r.startContainer, r.startOffset) ?? 0, to: unitAt(box, r.endContainer, r.endOffset) ?? unitAt(box, box, box.childNodes.length) ?? 0 };
}

/** The browser's selection follows the pen's. */
function useShown(pen: Pen, box: Box, byKeys: { current: boolean }): void {
    const selection = pen.selection.value, spans = pen.spans.value;
    useLayoutEffect(() => {
        const s = getSelection(), now = box.current && selected(box.current);
        if (!box.current || !s) return;
        if (!selection) {
            if (now && now.to > now.from) s.removeAllRanges();
            return;
        }
        const r = rangeOf(box.current, selection.from, selection.to);
        if (!r) return;
        if (!now || now.from !== selection.from || now.to !== selection.to) {
            s.removeAllRanges();
            s.addRange(r);
        }
        if (!byKeys.current) return;
        byKeys.current = false;
        const cursor = pen.cursor(), seen = ((cursor && rangeOf(box.current, cursor.from, cursor.to)) ?? r).getBoundingClientRect(), view = box.current.getBoundingClientRect();
        if (seen.top < view.top + 8) box.current.scrollTop -= view.top + 8 - seen.top;
        else if (seen.bottom > view.bottom - 24) box.current.scrollTop += seen.bottom - view.bottom + 24;
    }, [selection, spans]);
}

function caretAt(x: number, y: number): [Node, number] | null {
    const at = document.caretPositionFromPoint?.(x, y);
    if (at) return [at.offsetNode, at.offset];
    const r = document.caretRangeFromPoint?.(x, y);
    return r ? [r.startContainer, r.startOffset] : null;
}

/** The word above or below the cursor. */
function line(pen: Pen, box: HTMLElement, down: boolean, extend: boolean): void {
    const cursor = pen.cursor(), r = cursor && rangeOf(box, cursor.from, cursor.to)?.getBoundingClientRect();
    if (!r) return pen.move(1, extend);
    const step = parseFloat(getComputedStyle(box).lineHeight) || 24, view = box.getBoundingClientRect();
    let y = r.top + r.height / 2 + (down ? step : -step);
    if (y > view.bottom - step) { // the line has to be on the page before it can be pointed at
        box.scrollTop += 3 * step;
        y -= box.getBoundingClientRect().top + (r.top - (rangeOf(box, cursor.from, cursor.to)?.getBoundingClientRect().top ?? r.top)) - view.top;
    } else if (y < view.top + step / 2) {
        box.scrollTop -= 3 * step;
        y += (rangeOf(box, cursor.from, cursor.to)?.getBoundingClientRect().top ?? r.top) - r.top;
    }
    const at = caretAt(r.left + 1, y), unit = at && unitAt(box, ...at);
    if (unit !== null) pen.toUnit(unit, extend);
}

/** Keys that move: true when it was one. */
function moved(e: KeyboardEvent, pen: Pen, box: HTMLElement): boolean {
    switch (e.key) {
        case 'ArrowRight': return pen.move(1, e.shiftKey), true;
        case 'ArrowLeft': return pen.move(-1, e.shiftKey), true;
        case 'ArrowDown': return line(pen, box, true, e.shiftKey), true;
        case 'ArrowUp': return line(pen, box, false, e.shiftKey), true;
        case 'Home': return pen.toEdge(false, e.shiftKey), true;
        case 'End': return pen.toEdge(true, e.shiftKey), true;
        case 'Tab': return pen.step(e.shiftKey);
        case 'Escape': return pen.let(), true;
        default: return false;
    }
}

/** The region in hand looks so. Not a matter of rendering: going from region to region is to cost the same in a long text. */
function useHeld(pen: Pen, box: Box): void {
    const held = pen.inHand.value, spans = pen.spans.value;
    useLayoutEffect(() => {
        if (!held || !box.current) return;
        const from = pen.places.toUnit(held.start), to = pen.places.toUnit(held.end), all = box.current.querySelectorAll<HTMLElement>('[data-at]');
        const within = [...all].filter((p) => Number(p.dataset.at) >= from && Number(p.dataset.at) < to), key = tagKey(held);
        const tag = [...box.current.querySelectorAll<HTMLElement>('.tag')].find((t) => t.dataset.tag === key);
        const shown = tag ? [...within, tag] : within;
        for (const e of shown) e.classList.add('in-hand');
        return () => shown.forEach((e) => e.classList.remove('in-hand'));
    }, [held, spans]);
}

/** What the cursor is on, for those who do not see it. */
function Aloud({ pen }: { pen: Pen }) {
    const s = pen.selection.value, held = pen.inHand.value;
    const here = s ? pen.spans.value.filter((x) => x.start < pen.places.toPoint(s.to) && pen.places.toPoint(s.from) < x.end) : [];
    const text = s ? pen.places.text.slice(s.from, Math.min(s.to, s.from + 200)) : '';
    return <p class="away" aria-live="polite">{held ? `${held.label}: ${text}` : text}{!held && here.length > 0 && `, in ${here.map((x) => x.label).join(', ')}`}</p>;
}

export function Marker({ pen, labels, box }: { pen: Pen; labels: string[]; box: Box }) {
    const byKeys = useRef(false), pointing = useRef(false), touched = useRef(false);
    const spans = pen.spans.value;
    useShown(pen, box, byKeys);
    useHeld(pen, box);

    // A finger selects with handles of the browser's own; what they hold is the selection.
    useEffect(() => {
        const follow = () => {
            const now = touched.current && !pointing.current && box.current ? selected(box.current) : null, was = pen.selection.value;
            if (now && now.to > now.from && (was?.from !== now.from || was.to !== now.to)) pen.selecting(now.from, now.to);
        };
        document.addEventListener('selectionchange', follow);
        return () => document.removeEventListener('selectionchange', follow);
    }, [pen]);

    const up = (e: MouseEvent) => {
        pointing.current = false;
        const now = box.current && selected(box.current);
        if (!now) return;
        if (now.to > now.from) {
            if (!touched.current) pen.select(now.from, now.to, e.altKey);
        } else pen.point(now.from);
    };
    const down = (e: PointerEvent) => {
        touched.current = e.pointerType !== 'mouse';
        pointing.current = !touched.current;
        if (pointing.current) document.addEventListener('mouseup', up, { once: true }); // wherever the button is let go
        // Pressing on what is selected would drag it away instead of selecting anew.
        if (pointing.current && !e.shiftKey) getSelection()?.removeAllRanges();
    };
    const key = (e: KeyboardEvent) => {
        if (e.ctrlKey || e.metaKey || e.altKey || !box.current || e.target !== box.current) return;
        byKeys.current = true;
        if (moved(e, pen, box.current)) e.preventDefault();
        else byKeys.current = false;
    };
    return (
        <>
            <article key={pen.task.token} ref={(x) => void (box.current = x)} tabIndex={0} class={`text marking deep${depth(spans)} ${pen.task.text.length > 600 ? 'long' : ''}`}
                aria-label="Text to mark" aria-description="Arrow keys go from word to word, with Shift they select, a label's key marks; Tab goes from region to region"
                onKeyDown={key} onPointerDown={down} onMouseUp={(e) => touched.current && up(e)}>
                <Marked places={pen.places} spans={spans} labels={labels} suggested={pen.task.pre_spans} take={(s) => pen.take(s)} />
            </article>
            <Aloud pen={pen} />
        </>
    );
}
