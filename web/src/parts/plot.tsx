// Answers per minute over the last hour, one bar a minute.
import { useState } from 'preact/hooks';
import type { RateRow } from '../api.gen';
import { clock, plural } from '../text';

const minutes = 60, minute_ms = 60_000;
const width = 600, height = 150, left = 28, bottom = 18, top = 6;

/** Answers of each of the last 60 minutes, oldest first; the server leaves out those without any. */
export function perMinute(rate: RateRow[], now: string): { at: number; n: number }[] {
    const last = Math.floor(Date.parse(now) / minute_ms) * minute_ms;
    const known = new Map(rate.map((r) => [Math.floor(Date.parse(r.at) / minute_ms) * minute_ms, r.answers]));
    return Array.from({ length: minutes }, (_, i) => {
        const at = last - (minutes - 1 - i) * minute_ms;
        return { at, n: known.get(at) ?? 0 };
    });
}

/** The smallest of 1, 2, 5 × 10ⁿ that is at least x. */
function niceMax(x: number): number {
    const unit = 10 ** Math.floor(Math.log10(Math.max(x, 1)));
    return [1, 2, 5, 10].map((k) => k * unit).find((v) => v >= x) ?? 10 * unit;
}

export function Throughput({ rate, now }: { rate: RateRow[]; now: string }) {
    const bars = perMinute(rate, now);
    const [at, point] = useState<number | null>(null);
    const total = bars.reduce((sum, b) => sum + b.n, 0), peak = Math.max(...bars.map((b) => b.n)), max = Math.max(niceMax(peak), 2);
    const step = (width - left) / minutes, y = (n: number) => top + (height - top - bottom) * (1 - n / max);
    const pick = (e: PointerEvent) => {
        const box = (e.currentTarget as SVGElement).getBoundingClientRect();
        const i = Math.floor((((e.clientX - box.left) / box.width) * width - left) / step);
        point(i >= 0 && i < minutes ? i : null);
    };
    const shown = at === null ? null : bars[at]!;
    return (
        <figure class="plot">
            <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${plural(total, 'answer')} in the last hour, at most ${peak} in a minute`}
                onPointerMove={pick} onPointerLeave={() => point(null)}>
                {[max, max / 2].map((v) => (
                    <g key={v}><line class="grid" x1={left} x2={width} y1={y(v)} y2={y(v)} /><text x={left - 6} y={y(v) + 4} text-anchor="end">{v}</text></g>
                ))}
                <line class="axis" x1={left} x2={width} y1={y(0)} y2={y(0)} />
                {bars.map((b, i) => b.n > 0 && <rect key={b.at} class={i === at ? 'rate picked' : 'rate'} x={left + i * step + 1} width={step - 2} y={y(b.n)} height={y(0) - y(b.n)} />)}
                {bars.map((b, i) => i % 15 === 14 && <text key={b.at} x={left + (i + 1) * step} y={height - 3} text-anchor="end">{clock(b.at)}</text>)}
            </svg>
            <figcaption>{shown ? `${clock(shown.at)}: ${plural(shown.n, 'answer')}` : `${plural(total, 'answer')} in the last hour${peak > 0 ? `, ${peak} in the busiest minute` : ''}`}</figcaption>
        </figure>
    );
}
