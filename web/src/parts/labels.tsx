// One button per label, each with its key. With more labels than keys, a box finds them.
import type { ComponentChild } from 'preact';
import { useState } from 'preact/hooks';
import type { TaskRow } from '../api.gen';
import { labelKey, many_labels } from '../keys';
import { percent } from '../text';

interface Props {
    labels: string[];
    task: TaskRow | null;
    find: { current: HTMLInputElement | null };
    choose: (label: string) => void;
    children: ((label: string) => ComponentChild) | null; // what to show beside a label's name
}

function Label({ label, index, task, best, ...props }: Pick<Props, 'task' | 'choose' | 'children'> & { label: string; index: number; best: boolean }) {
    const key = labelKey(index);
    const suggested = task?.pre_label === label, previous = task?.previous === label;
    const kind = [suggested && 'suggested', previous && 'previous', best && 'best'].filter(Boolean).join(' ');
    return (
        <button type="button" class={`label ${kind}`} disabled={!task} aria-keyshortcuts={key ?? undefined}
            onMouseDown={(e) => e.preventDefault()} onClick={() => props.choose(label)}>
            <kbd>{key ?? ''}</kbd>
            <span class="name">{label}</span>
            {props.children?.(label)}
            {previous && <span class="aside">your answer</span>}
            {suggested && <span class="aside"><span class="word">suggested </span>{percent(task?.pre_score ?? null)} <kbd title="Enter accepts it">⏎</kbd></span>}
        </button>
    );
}

export function Labels({ labels, task, find, choose, children }: Props) {
    const [filter, setFilter] = useState('');
    const wanted = filter.trim().toLowerCase();
    const matches = (l: string) => l.toLowerCase().includes(wanted);
    // The best match begins with what was typed; failing that, it is the first that holds it.
    const best = wanted ? (labels.find((l) => l.toLowerCase().startsWith(wanted)) ?? labels.find(matches)) : undefined;

    const leave = () => {
        setFilter('');
        document.querySelector<HTMLElement>('article.text')?.focus();
    };
    const key = (e: KeyboardEvent) => {
        if (e.key === 'Escape') leave();
        if (e.key !== 'Enter' || !best || !task) return;
        e.preventDefault();
        leave();
        choose(best);
    };
    return (
        <>
            {labels.length > many_labels && (
                <div class="find">
                    <kbd>/</kbd>
                    <input ref={find} type="text" value={filter} placeholder={`find among ${labels.length} labels`} aria-label="Find a label; Enter chooses the marked one"
                        autocomplete="off" spellcheck={false} onInput={(e) => setFilter(e.currentTarget.value)} onKeyDown={key} />
                </div>
            )}
            <div class="labels" role="group" aria-label="Labels">
                {labels.map((l, i) => matches(l) && <Label label={l} index={i} key={l} task={task} best={l === best} choose={choose}>{children}</Label>)}
                {wanted && !best && <p class="hint">No label holds “{filter.trim()}”.</p>}
            </div>
        </>
    );
}
