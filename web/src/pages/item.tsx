// One item with all that is known of it: its text and record, what the machine and the people said, the label, and its proof.
import { useMemo, useState } from 'preact/hooks';
import { api, type ItemRow, type ProjectFull } from '../api.gen';
import { call, explain, Problem } from '../call';
import { useLoad } from '../load';
import { inOrder } from '../answer';
import { depth, Marked } from '../parts/marked';
import { SpansSaid } from '../parts/regions';
import { Notice, Shell } from '../parts/shell';
import { Votes } from '../parts/votes';
import { Places } from '../places';
import { go } from '../router';
import { count, percent } from '../text';

const how: Record<ItemRow['state'], string> = {
    open: 'no label yet', dispute: 'people disagree: not decided yet', voted: 'by people', adjudicated: 'by an expert', gold: 'trusted, given with the data',
    auto: 'approved automatically, under the error budget',
};
const proven = (i: ItemRow) => i.state !== 'open' && i.state !== 'dispute' && (i.label ?? i.labels ?? i.spans) !== null;

/** By external id, or else by number. */
async function lookUp(project: ProjectFull, typed: string): Promise<number> {
    try {
        return (await api.item_find(project.id, { id: typed })).item;
    } catch (e) {
        if (!(e instanceof Problem) || e.status !== 404) throw e;
        if (/^\d+$/.test(typed) && Number(typed) < project.items) return Number(typed);
        throw new Error(`No item has the id ${typed}${/^\d+$/.test(typed) ? `, and numbers end at ${count(project.items - 1)}` : ''}`);
    }
}

function Find({ project, at }: { project: ProjectFull; at: number | null }) {
    const [typed, set] = useState(''), [wrong, complain] = useState<string | null>(null);
    const to = (i: number) => go(`/projects/${project.id}/items/${i}`);
    const find = (e: Event) => {
        e.preventDefault();
        if (typed) lookUp(project, typed).then(to, (x: unknown) => complain(explain(x)));
    };
    return (
        <form class="row" onSubmit={find}>
            <div class="field">
                <label for="wanted">Id or number</label>
                <input id="wanted" value={typed} autofocus={at === null} autocomplete="off" spellcheck={false} aria-invalid={wrong !== null} aria-describedby="wanted-said" onInput={(e) => { set(e.currentTarget.value.trim()); complain(null); }} />
            </div>
            <button type="submit" disabled={!typed}>Show</button>
            {at !== null && <button type="button" disabled={at === 0} onClick={() => to(at - 1)}>Previous</button>}
            {at !== null && <button type="button" disabled={at + 1 >= project.items} onClick={() => to(at + 1)}>Next</button>}
            <p id="wanted-said" class={wrong ? 'error' : 'hint'} role={wrong ? 'alert' : undefined}>
                {wrong ?? (project.items === 0 ? 'The project has no items yet.' : `The id the item came with, or a number from 0 to ${count(project.items - 1)}.`)}
            </p>
        </form>
    );
}

/** The log is signed every ten seconds, and only what is signed can be proved: so a young label's proof is asked for again. */
async function proofOf(address: string, until: number): Promise<unknown> {
    try {
        return await call('GET', address);
    } catch (e) {
        if (!(e instanceof Problem) || e.status !== 404 || Date.now() > until) throw e;
        await new Promise((r) => setTimeout(r, 1000));
        return proofOf(address, until);
    }
}

function save(name: string, value: unknown): void {
    const a = document.createElement('a');
    a.href = URL.createObjectURL(new Blob([`${JSON.stringify(value)}\n`], { type: 'application/json' }));
    a.download = name;
    a.click();
    URL.revokeObjectURL(a.href);
}

function Proof({ project, i }: { project: ProjectFull; i: ItemRow }) {
    const [asking, ask] = useState(false), [wrong, complain] = useState<string | null>(null);
    const get = () => {
        ask(true);
        complain(null);
        proofOf(api.item_proof(project.id, i.item), Date.now() + 15_000)
            .then((p) => save(`proof-${i.item}.json`, p), (e: unknown) => complain(explain(e)))
            .finally(() => ask(false));
    };
    return (
        <>
            <button type="button" disabled={asking} onClick={get}>{asking ? 'Waiting for the log to be signed…' : 'Download'}</button>
            <small class={wrong ? 'error' : ''} role="status">{wrong ?? 'karat audit check holds it against the log’s public key'}</small>
        </>
    );
}

/** What a label is, in words; regions are in the text. */
function Words({ label, labels, spans, places }: Pick<ItemRow, 'label' | 'labels' | 'spans'> & { places: Places }) {
    if (spans) return <SpansSaid spans={spans} places={places} />;
    return <>{labels ? labels.join(', ') || 'none' : (label ?? '–')}</>;
}

function Label({ project, i, places }: { project: ProjectFull; i: ItemRow; places: Places }) {
    const machine = { label: i.pre_label, labels: i.pre_labels, spans: i.pre_spans };
    return (
        <dl class="figures">
            <div class="figure"><dt>Label</dt><dd><Words {...i} places={places} /><small>{how[i.state]}</small></dd></div>
            {i.posterior !== null && (i.state === 'voted' || i.state === 'auto') && <div class="figure"><dt>Probability</dt><dd>{percent(i.posterior, 1)}<small>as {i.state === 'auto' ? 'the calibrated model' : i.method} sees it</small></dd></div>}
            {(i.pre_label ?? i.pre_labels ?? i.pre_spans) !== null && <div class="figure"><dt>The machine says</dt><dd><Words {...machine} places={places} />{i.pre_score !== null && <small>{percent(i.pre_score, 1)} sure</small>}</dd></div>}
            {proven(i) && <div class="figure"><dt>Proof</dt><dd><Proof project={project} i={i} /></dd></div>}
        </dl>
    );
}

function Record({ i }: { i: ItemRow }) {
    const fields = Object.entries(i.meta ?? {});
    if (i.group === null && fields.length === 0) return null;
    return (
        <section>
            <h2>Record</h2>
            <table>
                <tbody>
                    {i.group !== null && <tr><th scope="row">group</th><td>{i.group}</td></tr>}
                    {fields.map(([name, value]) => <tr key={name}><th scope="row">{name}</th><td>{typeof value === 'string' ? value : JSON.stringify(value)}</td></tr>)}
                </tbody>
            </table>
        </section>
    );
}

function Known({ project, at }: { project: ProjectFull; at: number }) {
    const { value: i, error } = useLoad(() => api.item_get(project.id, at), at);
    const places = useMemo(() => new Places(i?.text ?? ''), [i]), spans = useMemo(() => inOrder(i?.spans ?? i?.pre_spans ?? []), [i]);
    if (error) return <p class="error" role="alert">{error}</p>;
    if (!i) return <p class="later" role="status">Loading…</p>;
    return (
        <article class="known">
            <h2 class="id">{i.id}</h2>
            <div class={`body marking deep${depth(spans)}`} tabIndex={0} aria-label="Text"><Marked places={places} spans={spans} labels={project.labels} suggested={i.spans ? null : i.pre_spans} /></div>
            {i.blind ? <p class="hint">Somebody is to answer it without knowing what the machine or others said, so it is not shown until then.</p> : <Label project={project} i={i} places={places} />}
            {i.votes.length > 0 && <section><h2>Answers</h2><Votes votes={i.votes} places={places} /></section>}
            <Record i={i} />
        </article>
    );
}

export function ItemPage(props: { project: number; item: number | null }) {
    const { value: project, error } = useLoad(() => api.project_get(props.project), props.project);
    if (error) return <Shell><Notice title="The project cannot be shown">{error}</Notice></Shell>;
    if (!project) return <Shell><p class="later notice" role="status">Loading…</p></Shell>;
    return (
        <Shell project={project}>
            <main class="page one-item">
                <h1>Item</h1>
                <Find project={project} at={props.item} />
                {props.item !== null && <Known project={project} at={props.item} />}
            </main>
        </Shell>
    );
}
