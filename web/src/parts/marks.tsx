// What functions that mark (sets of labels, regions) do, in figures.
import type { ComponentChildren } from 'preact';
import type { FunctionsBody } from '../api.gen';
import { count, percent, plural } from '../text';

/** As 'karat functions analyze --json' prints them. */
interface Figures {
    canonical: number;
    covered_by_functions: number;
    labels: number;
    gold_items: number;
    precision: number | null;
    recall: number | null;
    f1: number | null;
    functions: {
        name: string; kind: string; marks: number; coverage: number; overlap: number; conflict: number; learned_precision: number | null; learned_recall: number | null;
        gold: number; gold_precision: number | null; gold_lo: number | null; gold_hi: number | null; failed: number; off: boolean; failed_item: string; failure: string;
    }[];
}

/** beside: what stands under a function's name. */
export function Marks({ body, beside }: { body: FunctionsBody; beside: (name: string) => ComponentChildren }) {
    const f = body.figures as unknown as Figures;
    return (
        <>
            <p class="hint">
                They mark {percent(f.canonical ? f.covered_by_functions / f.canonical : null, 1)} of {plural(f.canonical, 'item')}; weighed together {plural(f.labels, 'label')}.
                {f.gold_items > 0 && ` On ${plural(f.gold_items, 'item')} with trusted labels: precision ${percent(f.precision, 1)}, recall ${percent(f.recall, 1)}, F1 ${percent(f.f1, 1)}.`}
            </p>
            <div class="wide">
                <table>
                    <thead><tr><th>Function</th><th class="n">Marks</th><th class="n">Coverage</th><th class="n">Overlap</th><th class="n">Conflict</th><th class="n">Precision, learned</th><th class="n">Recall, learned</th><th class="n">On trusted labels</th></tr></thead>
                    <tbody>
                        {f.functions.map((x) => (
                            <tr key={x.name}>
                                <th scope="row">{x.name}{beside(x.name)}{x.failed > 0 && <small class="error">failed on {plural(x.failed, 'item')}{x.off ? ', switched off' : ''} ({x.failed_item}: {x.failure})</small>}</th>
                                <td class="n">{count(x.marks)}</td><td class="n">{percent(x.coverage, 2)}</td><td class="n">{percent(x.overlap, 2)}</td><td class="n">{percent(x.conflict, 2)}</td>
                                <td class="n">{percent(x.learned_precision, 1)}</td><td class="n">{percent(x.learned_recall, 1)}</td>
                                <td class="n">{percent(x.gold_precision, 1)}<small>{x.gold ? `${percent(x.gold_lo, 1)} to ${percent(x.gold_hi, 1)} of ${count(x.gold)}` : ''}</small></td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </>
    );
}
