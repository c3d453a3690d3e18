// Labeling functions: a rule is typed and says what it would do over the whole project; below, what the project's functions do.
import { useState } from 'preact/hooks';
import { api, type FunctionTried, type ProjectFull } from '../api.gen';
import { useLoad } from '../load';
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
    { name: 'length', rule: 'max_chars: 40' },
    { name: 'field', rule: 'where: {price: {">": 10}}' },
] as const;

function Coverage({ t }: { t: FunctionTried }) {
    return (
        <div class="coverage">
            <div class="bar" aria-hidden="true">
                <span class="range" style={{ left: `${100 * t.lo}%`, width: `${100 * Math.max(t.hi - t.lo, 0)}%` }} />
                <span class="value" style={{ width: `${100 * t.coverage}%` }} />
            </div>
            <dl class="figures">
                <div class="figure"><dt>Coverage</dt><dd>{percent(t.coverage, 2)}<small>{t.exact ? `${plural(t.votes, 'item')} of ${count(t.n)}` : `${interval(t.lo, t.hi)}, from ${count(t.n)} random items`}</small></dd></div>
                <div class="figure"><dt>Right</dt><dd>{percent(t.precision, 1)}<small>{t.gold_votes ? `${count(t.right)} of ${plural(t.gold_votes, 'trusted label')}, ${interval(t.precision_lo, t.precision_hi)}` : 'it votes on no trusted label'}</small></dd></div>
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
                    <p class="said"><b>{e.said}</b>{e.kind === 'wrong' && <span class="error"> but it is {e.gold}</span>}{e.kind === 'right' && <span class="good"> right</span>}<a class="id" href={`/projects/${project}/items/${e.item}`} target="_blank">{e.id}</a></p>
                    <p class="begin">{e.text}</p>
                </li>
            ))}
        </ul>
    );
}

function Try({ project }: { project: ProjectFull }) {
    const [label, setLabel] = useState(project.labels[0] ?? ''), [body, setBody] = useState('');
    const rule = body.trim() ? (/^\s*(label|lua|from_field)\s*:/m.test(body) ? body : `label: ${yaml(label)}\n${body}`) : '';
    const { tried, error, asking } = useTrial(project.id, rule);
    return (
        <section class="try">
            <div class="typed">
                <div class="row">
                    <div class="field">
                        <label for="label">Votes for</label>
                        <select id="label" value={label} onChange={(e) => setLabel(e.currentTarget.value)}>{project.labels.map((l) => <option key={l}>{l}</option>)}</select>
                    </div>
                    <p class="kinds">{kinds.map((k) => <button type="button" key={k.name} onClick={() => setBody(k.rule)}>{k.name}</button>)}</p>
                </div>
                <label for="rule">when</label>
                <textarea id="rule" rows={6} spellcheck={false} value={body} onInput={(e) => setBody(e.currentTarget.value)} placeholder="any: [word, two words]" aria-describedby="rule-said" />
                <p id="rule-said" class={error ? 'error' : 'hint'} role={error ? 'alert' : 'status'}>
                    {error ?? (asking ? 'Looking…' : rule ? 'This changes nothing; to keep the rule, put it into the pipeline file:' : 'Type a rule as in the pipeline file: its answer comes as you type.')}
                </p>
                {rule && !error && <pre class="yaml">{`- name: …\n${rule.split('\n').map((l) => `  ${l}`).join('\n')}`}</pre>}
            </div>
            <div class={`outcome ${error ? 'stale' : ''}`} aria-live="polite">
                {rule && tried && <><Coverage t={tried} /><Examples project={project.id} t={tried} /></>}
            </div>
        </section>
    );
}

function Table({ f }: { f: Figures }) {
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
                                <th scope="row">{x.name}{x.failed > 0 && <small class="error">failed on {plural(x.failed, 'item')}{x.off ? ', switched off' : ''} ({x.failed_item}: {x.failure})</small>}</th>
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

function All({ project }: { project: ProjectFull }) {
    const { value, error } = useLoad(() => api.function_list(project.id), project.id);
    const figures = value?.figures as Figures | null | undefined;
    return (
        <section>
            <h2>The project's functions</h2>
            {error && <p class="error" role="alert">{error}</p>}
            {value && !figures && <p class="hint">They have not run yet: karat functions, or karat run, does it.</p>}
            {figures && figures.functions.length === 0 && <p class="hint">The pipeline file has none.</p>}
            {figures && figures.functions.length > 0 && <Table f={figures} />}
        </section>
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
                <Try project={project} />
                <All project={project} />
            </main>
        </Shell>
    );
}
