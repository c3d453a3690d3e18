// The annotator's and the expert's page: one item, its labels, and a key for everything.
import type { TargetedKeyboardEvent } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { signal } from '@preact/signals';
import { api, type ProjectFull, type TaskRow } from '../api.gen';
import { formOf, nothing, type Form } from '../answer';
import { Desk, type DeskName } from '../desk';
import { commandsOf, pressed, type CommandName } from '../keys';
import { say } from '../live';
import { useLoad } from '../load';
import { Help } from '../parts/help';
import { Labels } from '../parts/labels';
import { Marker } from '../parts/marker';
import { Regions } from '../parts/regions';
import { Said } from '../parts/said';
import { desks, Notice, Shell } from '../parts/shell';
import { Tally, Votes } from '../parts/votes';
import { Pen } from '../pen';
import { keep, kept } from '../storage';
import { count, doubt, percent, plural } from '../text';

const roomy_labels = 12; // more stand in two columns
const guidelines_key = 'karat.guidelines';
const helping = signal(false);
// On a narrow page they lie over the text, so there they wait to be asked for.
const guiding = signal(kept(guidelines_key) !== 'hidden' && matchMedia('(min-width: 64rem)').matches);

function toggleGuidelines(project: ProjectFull): void {
    if (!project.guidelines.trim()) return say(`${project.name} has no guidelines.`);
    guiding.value = !guiding.value;
    keep(guidelines_key, guiding.value ? 'shown' : 'hidden');
}

function Origin({ task, desk }: { task: TaskRow; desk: DeskName }) {
    if (desk !== 'expert') return null;
    if (task.queue === 'trusted')
        return (
            <p class="why">
                <b>Trusted sample.</b> Drawn at random to measure the machine, so neither its label nor other people's answers are
                shown here: your answer must be your own.
            </p>
        );
    if (task.queue === 'audit')
        return (
            <p class="why">
                <b>Check.</b> The machine has labeled this one alone; it was drawn at random to see how often it is wrong. What it said is
                not shown: your answer must be your own, and is final.
            </p>
        );
    return <p class="why"><b>{task.votes.length > 0 ? 'Disputed.' : 'Sent to experts.'}</b> Your answer is final.</p>;
}

function Item({ desk, pen, labels }: { desk: Desk; pen: Pen | null; labels: string[] }) {
    const task = desk.task.value!;
    const text = useRef<HTMLElement>(null);
    // A new item takes the focus: screen readers read it, arrow keys scroll it, Enter cannot press an old button.
    useEffect(() => text.current?.focus({ preventScroll: true }), [task.token]);
    return (
        <section class="item" aria-label="Item">
            <header>
                <span class="id" title="external id">{task.id}</span>
                {task.group !== null && <span class="group" title="group">{task.group}</span>}
                {desk.flagged.value && <span class="flagged">flagged</span>}
            </header>
            <Origin task={task} desk={desk.name} />
            {pen ? <Marker key={task.token} pen={pen} labels={labels} box={text} /> : (
                <article key={task.token} ref={text} tabIndex={0} class={`text ${task.text.length > 600 ? 'long' : ''}`} aria-label="Text to label">
                    {task.text}
                </article>
            )}
            {task.votes.length > 0 && <Votes votes={task.votes} places={pen?.places ?? null} borrow={(v) => desk.borrow(v.annotator, v)} />}
        </section>
    );
}

function Comment({ desk, box }: { desk: Desk; box: { current: HTMLTextAreaElement | null } }) {
    const leave = (e: TargetedKeyboardEvent<HTMLTextAreaElement>) => {
        if (e.key !== 'Escape' && (e.key !== 'Enter' || e.shiftKey)) return;
        e.preventDefault();
        document.querySelector<HTMLElement>('article.text')?.focus();
    };
    return (
        <div class="comment">
            <textarea ref={box} rows={1} maxLength={2000} aria-label="Comment" placeholder="Comment (optional)" value={desk.comment.value}
                onInput={(e) => (desk.comment.value = e.currentTarget.value)} onKeyDown={leave} />
        </div>
    );
}

/** Says what Enter would submit. */
function Submit({ desk, form }: { desk: Desk; form: Form }) {
    const n = form === 'labels' ? desk.chosen.value.length : desk.spans.value.length, what = form === 'labels' ? 'label' : 'region';
    return (
        <button type="button" class="main submit" onMouseDown={(e) => e.preventDefault()} onClick={() => desk.submit(form)} aria-keyshortcuts="Enter">
            {n > 0 ? `Submit ${plural(n, what)}` : form === 'labels' ? 'None of them' : 'No region here'} <kbd>⏎</kbd>
        </button>
    );
}

function Status({ desk, form, run }: { desk: Desk; form: Form; run: (c: CommandName) => void }) {
    const shown: Partial<Record<CommandName, boolean>> = { flag: desk.flagged.value, guidelines: guiding.value };
    return (
        <footer class="status">
            <div class="commands" role="toolbar" aria-label="Commands">
                {commandsOf(form).filter((c) => c.short).map((c) => (
                    <button type="button" key={c.name} class={`${c.name}-button`} onClick={() => run(c.name)} onMouseDown={(e) => e.preventDefault()}
                        title={c.help} aria-keyshortcuts={c.keys.join(' ')} aria-pressed={c.name in shown ? shown[c.name] : undefined}>
                        <kbd>{c.shown}</kbd>{c.short}
                    </button>
                ))}
            </div>
            <Said />
            <p class="mine"><b>{count(desk.answered.value)}</b> by you · <b>{count(desk.open.value + desk.tasks.value.length)}</b> still wanted here</p>
        </footer>
    );
}

/** What there is instead of an item. */
function Empty({ desk }: { desk: Desk }) {
    switch (desk.state.value) {
        case 'loading': return <div class="blank"><p class="later" role="status">Waiting for the next item…</p></div>;
        case 'failed': return <div class="blank"><h2>No item can be had</h2><p class="error">{desk.error.value}.</p><p>Trying again by itself.</p></div>;
        case 'away': return (
            <div class="blank">
                <h2>You were away</h2>
                <p>The item's time ran out, and it went back to the queue.</p>
                <button type="button" class="main" autoFocus onClick={() => void desk.next()}>Go on</button>
            </div>
        );
        default: return (
            <div class="blank">
                <h2>Nothing left for you</h2>
                <p>{desk.answered.value > 0 ? `${plural(desk.answered.value, 'answer')} by you, thank you. ` : ''}
                    {desk.open.value > 0 ? 'What is still wanted here waits for somebody who has not seen it yet.' : 'This desk is clear.'}{' '}
                    New items appear here by themselves.</p>
            </div>
        );
    }
}

function Guidelines({ text, hide }: { text: string; hide: () => void }) {
    return (
        <aside class="guidelines" aria-label="Guidelines">
            <header><h2>Guidelines</h2><button type="button" class="close" aria-label="Hide the guidelines" onClick={hide}>×</button></header>
            <p>{text.trim()}</p>
        </aside>
    );
}

const typing = (e: KeyboardEvent) => e.target instanceof HTMLElement && e.target.matches('input, textarea, select');
const onControl = (e: KeyboardEvent) => e.target instanceof HTMLElement && e.target.matches('button, a');

function Work({ project, desk }: { project: ProjectFull; desk: Desk }) {
    const comment = useRef<HTMLTextAreaElement>(null), find = useRef<HTMLInputElement>(null);
    const form = formOf(project), task = desk.task.value;
    const pen = useMemo(() => (form === 'spans' && task ? new Pen(task, desk.spans) : null), [form, task?.token]);
    const borrowed = useRef(-1); // whose answer was the last to start from
    useEffect(() => void (borrowed.current = -1), [task?.token]);

    const choose = (label: string) => {
        if (form === 'label') desk.answer({ ...nothing, label });
        else if (form === 'labels') desk.toggle(label);
        else pen?.mark(label);
    };
    const borrow = () => {
        const votes = (task?.votes ?? []).filter((v) => v[form] !== null), v = votes[++borrowed.current % Math.max(votes.length, 1)];
        if (v) desk.borrow(v.annotator, v);
    };

    const run = (c: CommandName) => {
        switch (c) {
            case 'accept': {
                const label = desk.task.value?.pre_label;
                if (form !== 'label') return desk.submit(form);
                return label != null ? desk.answer({ ...nothing, label }) : undefined;
            }
            case 'remove': return form === 'labels' ? void (desk.chosen.value = []) : pen?.remove();
            case 'borrow': return borrow();
            case 'undo': return void desk.undo();
            case 'skip': return desk.answer(nothing);
            case 'flag': return void (desk.flagged.value = desk.task.value !== null && !desk.flagged.value);
            case 'comment': return comment.current?.focus();
            case 'guidelines': return toggleGuidelines(project);
            case 'find': return find.current?.focus();
            case 'help': return void (helping.value = !helping.value);
        }
    };

    useEffect(() => {
        const key = (e: KeyboardEvent) => {
            if (typing(e) || helping.value) return;
            const p = pressed(e, form);
            // A held key must not answer item after item; Enter on a focused button presses that button.
            if (p === null || e.repeat || (onControl(e) && e.key === 'Enter')) return;
            if ('command' in p) {
                e.preventDefault();
                return run(p.command);
            }
            const label = project.labels[p.label];
            if (label === undefined) return;
            e.preventDefault();
            choose(label);
        };
        addEventListener('keydown', key);
        return () => removeEventListener('keydown', key);
    }, [project, desk, pen]);

    const guided = guiding.value && project.guidelines.trim() !== '';
    const many = project.labels.length > roomy_labels;
    return (
        <Shell project={project} class={`at-desk ${guided ? 'guided' : ''} ${many ? 'many' : ''}`}>
            <main class="desk">
                <h1 class="away">{desks[desk.name].word}</h1>
                {guided && <Guidelines text={project.guidelines} hide={() => toggleGuidelines(project)} />}
                {task ? <Item desk={desk} pen={pen} labels={project.labels} /> : <Empty desk={desk} />}
                <section class="answer" aria-label="Answer">
                    <Labels labels={project.labels} task={task} form={form} chosen={form === 'labels' ? desk.chosen.value : null} find={find} choose={choose}>
                        {task && task.votes.length > 0 && form !== 'spans' ? (label) => <Tally votes={task.votes} label={label} /> : null}
                    </Labels>
                    {pen && <Regions key={pen.task.token} pen={pen} labels={project.labels} />}
                    {task && form !== 'label' && task.pre_score !== null && <p class="hint">The suggestion is right as a whole with {percent(task.pre_score)}.</p>}
                    {task && form !== 'label' && <Submit desk={desk} form={form} />}
                    {task?.evidence[0] && <p class="hint doubt">A model doubts the label: {doubt(task.evidence[0])}.</p>}
                    {task && <Comment desk={desk} box={comment} />}
                </section>
            </main>
            <Status desk={desk} form={form} run={run} />
            <Help open={helping} labels={project.labels} form={form} />
        </Shell>
    );
}

export function DeskPage(props: { project: number; desk: DeskName }) {
    const { value: project, error } = useLoad(() => api.project_get(props.project), props.project);
    const form = project && formOf(project);
    const desk = useMemo(() => form && new Desk(props.project, props.desk, form), [props.project, props.desk, form]);
    const mine = project?.desks.includes(props.desk);
    useEffect(() => {
        if (mine) desk?.start();
        return () => desk?.stop();
    }, [desk, mine]);
    if (error) return <Shell><Notice title="The project cannot be shown">{error}</Notice></Shell>;
    if (!project || !desk) return <Shell><p class="later notice" role="status">Loading…</p></Shell>;
    if (!mine) return <Shell project={project}><Notice title={`${desks[props.desk].word} is not yours`}>Your role in {project.name} is {project.role}; this desk needs another one. A manager can change it.</Notice></Shell>;
    return <Work project={project} desk={desk} />;
}
