// Labeling functions: a rule is typed and says what it would do over the whole project; below, what the project's functions do.
import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { api, type FunctionsBody, type FunctionsSuggested, type FunctionTried, type KeptRow, type ProjectFull } from '../api.gen';
import { formOf } from '../answer';
import { explain } from '../call';
import { say } from '../live';
import { useLoad } from '../load';
import { Marks } from '../parts/marks';
import { Said } from '../parts/said';
import { Notice, Shell } from '../parts/shell';
import { count, percent, plural } from '../text';
import { useTrial } from '../trial';

/** As 'karat functions --json' prints them. */
interface Figures {
    measured_on: number;
    covered: number;
    conflicted: number;
    gold: number;
    functions: {
        name: string; kind: string; label: string | null; votes: number; overlaps: number; conflicts: number; learned_accuracy: number | null;
        gold: { votes: number; right: number; accuracy: number | null; lo: number | null; hi: number | null };
        failed: number; off: boolean; failed_item: string; failure: string;
    }[];
}

const interval = (lo: number | null, hi: number | null) => (lo === null || hi === null ? '' : `${percent(lo, 1)} to ${percent(hi, 1)}`);

/** Words YAML reads as they stand need no quotes; any other label does. */
const yaml = (text: string) => (/^[A-Za-z][\w -]*$/.test(text) && !/^(true|false|yes|no|on|off|null|y|n)$/i.test(text) ? text : JSON.stringify(text));

const kinds = [
    { name: 'words', rule: 'any: [refund, money back]' },
    { name: 'all words', rule: 'all: [late, order]\nnone: [thanks]' },
    { name: 'regex', rule: "regex: '(?i)\\bwon \\d+'" },
    { name: 'length', rule: 'max_chars: 40', whole: true }, // says nothing of a region of the text
    { name: 'field', rule: 'where: {price: {">": 10}}', whole: true },
];

function Coverage({ t, marks }: { t: FunctionTried; marks: boolean }) {
    return (
        <div class="coverage">
            <div class="bar" aria-hidden="true">
                <span class="range" style={{ left: `${100 * t.lo}%`, width: `${100 * Math.max(t.hi - t.lo, 0)}%` }} />
                <span class="value" style={{ width: `${100 * t.coverage}%` }} />
            </div>
            <dl class="figures">
                <div class="figure"><dt>Coverage</dt><dd>{percent(t.coverage, 2)}<small>{t.exact ? `${plural(t.votes, 'item')} of ${count(t.n)}` : `${interval(t.lo, t.hi)}, from ${count(t.n)} random items`}</small></dd></div>
                <div class="figure"><dt>Right</dt><dd>{percent(t.precision, 1)}<small>{t.gold_votes ? `${count(t.right)} of ${plural(t.gold_votes, marks ? 'mark' : 'trusted label')}${marks ? ` on ${plural(t.gold, 'trusted answer')}` : ''}, ${interval(t.precision_lo, t.precision_hi)}` : 'it votes on no trusted label'}</small></dd></div>
                <div class="figure"><dt>Answered in</dt><dd>{t.seconds < 1 ? `${Math.max(1, Math.round(1000 * t.seconds))} ms` : `${t.seconds.toFixed(1)} s`}<small>{t.exact ? 'every item looked at' : 'a random sample'}</small></dd></div>
            </dl>
            {t.failed > 0 && <p class="error">Failed on {plural(t.failed, 'item')}, first on {t.failed_item}: {t.failure}</p>}
        </div>
    );
}

function Examples({ project, t }: { project: number; t: FunctionTried }) {
    if (t.examples.length === 0) return <p class="hint">{t.votes ? '' : 'It votes on none of them.'}</p>;
    return (
        <ul class="examples">
            {t.examples.map((e) => (
                <li key={`${e.kind} ${e.item}`} class={e.kind}>
                    <p class="said"><b>{e.said}</b>{e.kind === 'wrong' && <span class="error">{e.gold === null ? ' which the trusted answer has not' : ` but it is ${e.gold}`}</span>}{e.kind === 'right' && <span class="good"> right</span>}<a class="id" href={`/projects/${project}/items/${e.item}`} target="_blank">{e.id}</a></p>
                    <p class="begin">{e.text}</p>
                </li>
            ))}
        </ul>
    );
}

/** What is being written: a new rule, or a kept one that is opened again. */
interface Draft {
    label: string;
    body: string;
    name: string;
}

const ruleOf = (d: Draft) => (d.body.trim() ? (/^\s*(label|lua|from_field)\s*:/m.test(d.body) ? d.body : `label: ${yaml(d.label)}\n${d.body}`) : '');

/** The draft a kept rule was written as. */
function draftOf(k: KeptRow, labels: string[]): Draft {
    const label = labels.find((l) => k.rule.startsWith(`label: ${yaml(l)}\n`));
    return label === undefined ? { label: labels[0] ?? '', body: k.rule, name: k.name } : { label, body: k.rule.slice(`label: ${yaml(label)}\n`.length), name: k.name };
}

/** A name nobody has taken: the label and a number. */
function freeName(label: string, taken: Set<string>): string {
    for (let i = 1; ; i++) if (!taken.has(`${label}_${i}`)) return `${label.slice(0, 50)}_${i}`;
}

interface Keeping {
    taken: Set<string>;
    busy: boolean;
    keep: (name: string, rule: string) => Promise<boolean>;
}

function Try({ project, draft, setDraft, keeping }: { project: ProjectFull; draft: Draft; setDraft: (d: Draft) => void; keeping: Keeping }) {
    const { label, body } = draft, rule = ruleOf(draft);
    const setLabel = (l: string) => setDraft({ ...draft, label: l }), setBody = (b: string) => setDraft({ ...draft, body: b });
    const { tried, error, asking } = useTrial(project.id, rule);
    const text = useRef<HTMLTextAreaElement>(null), suggested = freeName(label, keeping.taken), ready = rule !== '' && !error && !keeping.busy;
    const keep = async (e: Event) => {
        e.preventDefault();
        if (ready && (await keeping.keep(draft.name.trim() || suggested, rule))) setDraft({ label, body: '', name: '' });
        text.current?.focus();
    };
    return (
        <section class="try">
            <form class="typed" onSubmit={(e) => void keep(e)}>
                <div class="row">
                    <div class="field">
                        <label for="label">Votes for</label>
                        <select id="label" value={label} onChange={(e) => setLabel(e.currentTarget.value)}>{project.labels.map((l) => <option key={l}>{l}</option>)}</select>
                    </div>
                    <p class="kinds">{kinds.filter((k) => !k.whole || formOf(project) !== 'spans').map((k) => <button type="button" key={k.name} onClick={() => setBody(k.rule)}>{k.name}</button>)}</p>
                </div>
                <label for="rule">when</label>
                <textarea id="rule" ref={text} rows={6} spellcheck={false} value={body} onInput={(e) => setBody(e.currentTarget.value)} onKeyDown={(e) => e.key === 'Enter' && (e.ctrlKey || e.metaKey) && void keep(e)} placeholder="any: [word, two words]" aria-describedby="rule-said" />
                <p id="rule-said" class={error ? 'error' : 'hint'} role={error ? 'alert' : 'status'}>
                    {error ?? (asking ? 'Looking…' : rule ? 'Nothing is changed until you keep it.' : 'Type a rule as in the pipeline file: its answer comes as you type.')}
                </p>
                <div class="row keep">
                    <div class="field">
                        <label for="name">Name</label>
                        <input id="name" maxLength={60} value={draft.name} placeholder={suggested} onInput={(e) => setDraft({ ...draft, name: e.currentTarget.value })} />
                    </div>
                    <button type="submit" class="main" disabled={!ready} title="Ctrl+Enter in the rule does the same">{keeping.busy ? 'Running…' : keeping.taken.has(draft.name.trim()) ? 'Replace' : 'Keep'}</button>
                </div>
            </form>
            <div class={`outcome ${error ? 'stale' : ''}`} aria-live="polite">
                {rule && tried && <><Coverage t={tried} marks={formOf(project) !== 'label'} /><Examples project={project.id} t={tried} /></>}
            </div>
        </section>
    );
}

/** A kept rule's buttons. */
interface Kept {
    rule: KeptRow;
    open: () => void;
    drop: () => void;
    busy: boolean;
}

function Buttons({ kept }: { kept: Kept | null }) {
    if (!kept) return null;
    const { rule, open, drop, busy } = kept;
    return (
        <small class="kept" title={rule.rule}>
            kept by {rule.by}
            <button type="button" onClick={open}>Edit</button>
            <button type="button" disabled={busy} onClick={drop} aria-label={`Remove ${rule.name}`}>Remove</button>
        </small>
    );
}

function Table({ f, beside }: { f: Figures; beside: (name: string) => ComponentChildren }) {
    const share = (n: number) => percent(f.measured_on ? n / f.measured_on : null, 2);
    return (
        <>
            <p class="hint">{percent(f.measured_on ? f.covered / f.measured_on : null, 1)} of {plural(f.measured_on, 'item')} have a vote, {percent(f.measured_on ? f.conflicted / f.measured_on : null, 1)} votes that differ; {plural(f.gold, 'trusted label')}.</p>
            <div class="wide">
                <table>
                    <thead><tr><th>Function</th><th>Label</th><th class="n">Coverage</th><th class="n">Overlap</th><th class="n">Conflict</th><th class="n">Learned</th><th class="n">On trusted labels</th></tr></thead>
                    <tbody>
                        {f.functions.map((x) => (
                            <tr key={x.name}>
                                <th scope="row">{x.name}{beside(x.name)}{x.failed > 0 && <small class="error">failed on {plural(x.failed, 'item')}{x.off ? ', switched off' : ''} ({x.failed_item}: {x.failure})</small>}</th>
                                <td>{x.label ?? x.kind}</td>
                                <td class="n">{share(x.votes)}</td><td class="n">{share(x.overlaps)}</td><td class="n">{share(x.conflicts)}</td>
                                <td class="n">{percent(x.learned_accuracy, 1)}</td>
                                <td class="n">{percent(x.gold.accuracy, 1)}<small>{x.gold.votes ? `${interval(x.gold.lo, x.gold.hi)} of ${count(x.gold.votes)}` : ''}</small></td>
                            </tr>
                        ))}
                    </tbody>
                </table>
            </div>
        </>
    );
}

/** The functions that stand, and those kept since they last ran. */
function All({ body, marks, keptOf }: { body: FunctionsBody; marks: boolean; keptOf: (name: string) => Kept | null }) {
    const figures = body.figures as Figures | null, ran = new Set(figures?.functions.map((f) => f.name));
    const waiting = body.kept.filter((k) => !ran.has(k.name));
    const beside = (name: string) => <Buttons kept={keptOf(name)} />;
    return (
        <section>
            <h2>The project's functions</h2>
            {!figures && waiting.length === 0 && <p class="hint">They have not run yet: karat functions, or karat run, does it. A rule kept here runs at once.</p>}
            {figures && figures.functions.length === 0 && waiting.length === 0 && <p class="hint">There is none yet.</p>}
            {figures && figures.functions.length > 0 && (marks ? <Marks body={body} beside={beside} /> : <Table f={figures} beside={beside} />)}
            {waiting.length > 0 && <ul class="waiting">{waiting.map((k) => <li key={k.name}><b>{k.name}</b> has not run yet {beside(k.name)}</li>)}</ul>}
        </section>
    );
}

/** Rules the labels so far speak for; one is taken into the box above, to be looked at and kept. */
function Suggestions({ project, taken, take }: { project: ProjectFull; taken: Set<string>; take: (d: Draft) => void }) {
    const [got, setGot] = useState<FunctionsSuggested | null>(null), [busy, setBusy] = useState(false);
    const ask = async () => {
        setBusy(true);
        try {
            const s = await api.function_suggest(project.id);
            setGot(s);
            say(s.suggestions.length > 0 ? `${plural(s.suggestions.length, 'rule')} suggested.` : 'No rule stands out in the labels there are.');
        } catch (e) {
            say(`No suggestions: ${explain(e)}.`, true);
        } finally {
            setBusy(false);
        }
    };
    return (
        <section class="suggestions">
            <p><button type="button" disabled={busy} onClick={() => void ask()}>{busy ? 'Looking…' : 'Suggest rules'}</button></p>
            {got && got.suggestions.length > 0 && (
                <>
                    <p class="hint">From {plural(got.gold, 'trusted label')} and {plural(got.predicted, 'confident prediction')}: one half chose the rules, the other measured them.</p>
                    <div class="wide">
                        <table>
                            <thead><tr><th>Rule</th><th>Label</th><th class="n">Coverage</th><th class="n">Right</th><th /></tr></thead>
                            <tbody>
                                {got.suggestions.filter((s) => !taken.has(s.name)).map((s) => (
                                    <tr key={`${s.label} ${s.name}`}>
                                        <th scope="row"><code>{s.rule}</code></th>
                                        <td>{s.label}</td>
                                        <td class="n">{percent(s.coverage, 2)}</td>
                                        <td class="n">{percent(s.precision, 1)}<small>{`${interval(s.lo, s.hi)} of ${count(s.votes)}`}</small></td>
                                        <td class="n"><button type="button" onClick={() => take({ label: s.label, body: s.rule, name: s.name.slice(0, 60) })}>Use</button></td>
                                    </tr>
                                ))}
                            </tbody>
                        </table>
                    </div>
                </>
            )}
        </section>
    );
}

function Functions({ project }: { project: ProjectFull }) {
    const { value, error } = useLoad(() => api.function_list(project.id), project.id);
    const [changed, setChanged] = useState<FunctionsBody | null>(null), [busy, setBusy] = useState(false);
    const [draft, setDraft] = useState<Draft>({ label: project.labels[0] ?? '', body: '', name: '' });
    const body = changed ?? value;

    const change = async (what: string, ask: () => Promise<FunctionsBody>): Promise<boolean> => {
        setBusy(true);
        try {
            const now = await ask();
            setChanged(now);
            say(now.running ? `${what}; the flow is at work and runs it when it has come to a stop.` : `${what}.`);
            return true;
        } catch (e) {
            say(`Not done: ${explain(e)}.`, true);
            setChanged(await api.function_list(project.id).catch(() => body)); // it may be kept all the same
            return false;
        } finally {
            setBusy(false);
        }
    };
    const write = (d: Draft) => {
        setDraft(d);
        document.getElementById('rule')?.focus();
    };
    const keptOf = (name: string): Kept | null => {
        const rule = body?.kept.find((k) => k.name === name);
        if (!rule) return null;
        return { rule, busy, open: () => write(draftOf(rule, project.labels)), drop: () => void change(`${name} is gone`, () => api.function_drop(project.id, { name })) };
    };
    const figures = body?.figures as Figures | null | undefined;
    const taken = new Set([...(body?.kept ?? []).map((k) => k.name), ...(figures?.functions ?? []).map((f) => f.name)]);
    const keep = (name: string, rule: string) => change(`${name} is kept`, () => api.function_keep(project.id, { name, rule }));
    return (
        <>
            <Try project={project} draft={draft} setDraft={setDraft} keeping={{ taken, busy, keep }} />
            <Said />
            {formOf(project) === 'label' && <Suggestions project={project} taken={taken} take={write} />}
            {error && <p class="error" role="alert">{error}</p>}
            {body && <All body={body} marks={formOf(project) !== 'label'} keptOf={keptOf} />}
        </>
    );
}

export function FunctionsPage(props: { project: number }) {
    const { value: project, error } = useLoad(() => api.project_get(props.project), props.project);
    if (error) return <Shell><Notice title="The project cannot be shown">{error}</Notice></Shell>;
    if (!project) return <Shell><p class="later notice" role="status">Loading…</p></Shell>;
    return (
        <Shell project={project}>
            <main class="page functions">
                <h1>Labeling functions</h1>
                <Functions key={project.id} project={project} />
            </main>
        </Shell>
    );
}
