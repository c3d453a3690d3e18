// The manager's page: how far the project is, live; and for managers its people, exports and the audit log's head.
import { useEffect, useRef, useState } from 'preact/hooks';
import { api, type LogHead, type ProgressRow, type ProjectFull } from '../api.gen';
import { useLoad } from '../load';
import { Exports } from '../parts/exports';
import { Flow } from '../parts/flow';
import { People } from '../parts/people';
import { Throughput } from '../parts/plot';
import { Rounds } from '../parts/rounds';
import { Notice, Shell } from '../parts/shell';
import { clock, count, percent } from '../text';
import { useWatch } from '../watch';

const queue_words: Record<ProgressRow['queues'][number]['queue'], string> = {
    trusted: 'Trusted sample, for experts', train: 'Chosen for training', human: 'For annotators', relabel: 'Suspected errors, for one more person', expert: 'For experts',
    audit: 'Checks of what was approved', gold: 'Gold, mixed in blind',
};

function Figure(props: { value: string; name: string; note?: string | undefined }) {
    return <div class="figure"><dt>{props.name}</dt><dd>{props.value}{props.note && <small>{props.note}</small>}</dd></div>;
}

function Figures({ p }: { p: ProgressRow }) {
    return (
        <dl class="figures">
            <Figure name="Answers by people" value={count(p.answers)} />
            <Figure name="Agreement" value={percent(p.agreement, 1)} note={p.agreement === null ? 'no two answers on one item yet' : 'of pairs on the same item'} />
            <Figure name="Disputes open" value={count(p.disputes_open)} />
            <Figure name="Skips" value={count(p.skips)} />
            <Figure name="Flagged" value={count(p.flags)} />
            {p.batches_reopened > 0 && <Figure name="Batches opened again" value={count(p.batches_reopened)} note="checks proved them over their budget" />}
            {p.notices_waiting + p.notices_given_up > 0 && (
                <Figure name="Notices not heard" value={count(p.notices_waiting + p.notices_given_up)} note={p.notices_given_up > 0 ? 'some were given up' : 'sent again and again'} />
            )}
        </dl>
    );
}

function Running({ p }: { p: ProgressRow }) {
    return p.flow === null ? null : <p class="hint running" role="status">The flow {p.flow}.</p>;
}

function Queues({ p }: { p: ProgressRow }) {
    const queues = p.queues.filter((q) => q.items > 0);
    if (queues.length === 0) return <p class="hint">No item waits for people.</p>;
    return (
        <table>
            <thead><tr><th>Queue</th><th class="n">Items</th><th class="n">Answers wanted</th></tr></thead>
            <tbody>
                {queues.map((q) => <tr key={q.queue}><th scope="row">{queue_words[q.queue]}</th><td class="n">{count(q.items)}</td><td class="n">{count(q.slots)}</td></tr>)}
            </tbody>
        </table>
    );
}

function Audit({ turn }: { turn: string }) {
    const [head, set] = useState<LogHead | null>(null);
    useEffect(() => void api.log_head().then(set, () => {}), [turn]);
    if (!head) return null;
    return (
        <section class="audit">
            <h2>Audit log</h2>
            <p>{count(head.size)} events, Merkle root</p>
            <p class="hash">{head.root}</p>
        </section>
    );
}

function Live({ live, error, at }: { live: boolean; error: string | null; at: string | undefined }) {
    return (
        <p class={`live ${live ? 'on' : ''}`}>
            <span role="status">{live ? 'live' : (error ?? 'connecting…')}</span>
            {at && <time dateTime={at}> {live ? '' : 'as of '}{clock(at)}</time>}
        </p>
    );
}

/** Follows a value that changes fast, at this distance: what is asked for beside the stream must not crowd the server. */
const follow_ms = 3000;
function useFollowing(value: string): string {
    const [followed, set] = useState(value), latest = useRef(value);
    latest.current = value;
    const behind = value !== followed;
    useEffect(() => {
        if (!behind) return;
        const t = setTimeout(() => set(latest.current), followed ? follow_ms : 0);
        return () => clearTimeout(t);
    }, [behind, followed]);
    return followed;
}

function Board({ project }: { project: ProjectFull }) {
    const w = useWatch(project.id);
    const p = w.progress.value;
    const manages = project.role === 'manager' || project.role === 'admin';
    const turn = useFollowing(p ? `${p.answers} ${p.skips} ${p.flags} ${p.final_by_experts} ${p.auto_approved}` : '');
    return (
        <Shell project={project}>
            <main class="page progress">
                <header class="title"><h1>{project.name}</h1><Live live={w.live.value} error={w.error.value} at={p?.at} /></header>
                {!p && <p class="later" role="status">Loading…</p>}
                {p && (
                    <>
                        <Flow p={p} />
                        <Running p={p} />
                        <Figures p={p} />
                        <Rounds project={project.id} turn={turn} />
                        <div class="pair">
                            <section><h2>Last hour</h2><Throughput rate={p.rate} now={p.at} /></section>
                            <section><h2>Queues</h2><Queues p={p} /></section>
                        </div>
                    </>
                )}
                {manages && <People project={project} turn={turn} />}
                {manages && <Exports project={project} />}
                {p && <Audit turn={turn} />}
            </main>
        </Shell>
    );
}

export function ProgressPage(props: { project: number }) {
    const { value: project, error } = useLoad(() => api.project_get(props.project), props.project);
    if (error) return <Shell><Notice title="The project cannot be shown">{error}</Notice></Shell>;
    if (!project) return <Shell><p class="later notice" role="status">Loading…</p></Shell>;
    return <Board project={project} />;
}
