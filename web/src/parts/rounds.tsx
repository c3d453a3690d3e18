// How the model learned, round by round: accuracy with its interval, and the share of the items it has taken over.
import { useEffect, useState } from 'preact/hooks';
import { api, type RoundRow } from '../api.gen';
import { clock, count, percent, plural } from '../text';

const width = 600, height = 170, left = 40, right = 8, bottom = 18, top = 8;

function describe(r: RoundRow): string {
    const accuracy = r.accuracy === null ? 'not measured'
        : `${percent(r.accuracy, 1)} right (${percent(r.accuracy_lo, 1)} to ${percent(r.accuracy_hi, 1)}) of ${count(r.measured)}, ${r.measured_on}`;
    const taken = r.automation === null ? '' : `; the machine takes ${percent(r.automation, 1)}`;
    return `Round ${r.round}, ${clock(r.at)}: learned from ${plural(r.labels, 'label')}; ${accuracy}${taken}${r.moved > 0 ? `, ${count(r.moved)} of them new` : ''}`;
}

export function Curve({ rounds }: { rounds: RoundRow[] }) {
    const [at, point] = useState(rounds.length - 1);
    const lows = rounds.flatMap((r) => [r.accuracy_lo, r.automation]).filter((v): v is number => v !== null);
    const floor = Math.max(0, Math.floor((Math.min(1, ...lows) - 0.02) * 10) / 10);
    const step = (width - left - right) / rounds.length, x = (i: number) => left + (i + 0.5) * step;
    const y = (v: number) => top + (height - top - bottom) * (1 - (v - floor) / Math.max(1 - floor, 0.01));
    const taken = rounds.flatMap((r, i) => (r.automation === null ? [] : [`${x(i)},${y(r.automation)}`]));
    const shown = rounds[Math.min(at, rounds.length - 1)]!;
    return (
        <figure class="plot rounds">
            <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${plural(rounds.length, 'round')} of learning. ${describe(rounds[rounds.length - 1]!)}`}>
                {[1, (1 + floor) / 2, floor].map((v) => (
                    <g key={v}><line class="grid" x1={left} x2={width - right} y1={y(v)} y2={y(v)} /><text x={left - 6} y={y(v) + 4} text-anchor="end">{percent(v, 0)}</text></g>
                ))}
                {taken.length > 0 && <polyline class="taken" points={taken.join(' ')} />}
                {rounds.map((r, i) => (
                    <g key={r.round} class={`round ${r.stage === 'learn' ? 'fold' : 'trusted'}${r === shown ? ' picked' : ''}`} onPointerEnter={() => point(i)}>
                        <rect class="reach" x={x(i) - step / 2} y={top} width={step} height={height - top} />
                        {r.accuracy !== null && <line x1={x(i)} x2={x(i)} y1={y(r.accuracy_lo ?? r.accuracy)} y2={y(r.accuracy_hi ?? r.accuracy)} />}
                        {r.accuracy !== null && <circle cx={x(i)} cy={y(r.accuracy)} r="3.5" />}
                        {(rounds.length < 20 || r.round % 5 === 0) && <text x={x(i)} y={height - 3} text-anchor="middle">{r.round}</text>}
                    </g>
                ))}
            </svg>
            <figcaption>{describe(shown)}</figcaption>
        </figure>
    );
}

export function Rounds({ project, turn }: { project: number; turn: string }) {
    const [rounds, set] = useState<RoundRow[]>([]);
    useEffect(() => void api.round_list(project).then((r) => set(r.rounds), () => {}), [project, turn]);
    if (rounds.length === 0) return null;
    return (
        <section>
            <h2>Rounds of learning</h2>
            <p class="hint">Accuracy with its 95 % interval: out of fold on the answered items (hollow), on the trusted sample (filled). The line is the share of the items the machine takes.</p>
            <Curve rounds={rounds} />
        </section>
    );
}
