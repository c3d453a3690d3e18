// Where the items are: one bar, one line per state. The table below the bar says the same in numbers.
import type { ProgressRow } from '../api.gen';
import { count, percent } from '../text';

interface Part {
    name: string;
    n: number;
    kind: string; // its colour in progress.css
}

function parts(p: ProgressRow): Part[] {
    const done = p.auto_approved + p.final_by_annotators + p.final_by_experts + p.gold + p.disputes_open;
    return [
        { name: 'Approved by the machine', n: p.auto_approved, kind: 'auto' },
        { name: 'Decided by annotators', n: p.final_by_annotators, kind: 'voted' },
        { name: 'Decided by experts', n: p.final_by_experts, kind: 'adjudicated' },
        { name: 'Trusted labels', n: p.gold, kind: 'gold' },
        { name: 'Disputed', n: p.disputes_open, kind: 'dispute' },
        { name: 'Open', n: Math.max(0, p.items - p.duplicates - done), kind: 'open' },
    ];
}

const least = 6; // of 1000: one item is still to be seen

function Bar({ parts }: { parts: Part[] }) {
    const there = parts.filter((q) => q.n > 0), total = there.reduce((sum, q) => sum + q.n, 0);
    let x = 0;
    return (
        <svg class="bar" viewBox="0 0 1000 28" preserveAspectRatio="none" aria-hidden="true">
            {there.map((q) => {
                const width = least + ((1000 - least * there.length) * q.n) / total;
                x += width;
                return <rect key={q.kind} class={`fill ${q.kind}`} x={x - width} width={width} height="28"><title>{`${q.name}: ${count(q.n)}`}</title></rect>;
            })}
        </svg>
    );
}

export function Flow({ p }: { p: ProgressRow }) {
    const total = p.items - p.duplicates, all = parts(p), open = all[all.length - 1]!;
    const done = total - open.n - p.disputes_open;
    return (
        <section class="flow" aria-labelledby="flow">
            <h2 id="flow" class="away">Items by state</h2>
            <p class="lead">
                <b>{percent(total > 0 ? done / total : null)}</b> labeled: {count(done)} of {count(total)} items
                {p.duplicates > 0 && <span class="hint"> ({count(p.items)} with {count(p.duplicates)} duplicates, which take their twin's label)</span>}
            </p>
            <Bar parts={all} />
            <ul class="legend">
                {all.map((q) => <li key={q.kind} class={q.n === 0 ? 'none' : ''}><i class={`dot ${q.kind}`} /> {q.name} <b>{count(q.n)}</b> <small>{percent(total > 0 ? q.n / total : null)}</small></li>)}
            </ul>
        </section>
    );
}
