// One button per label, each with its key. With more labels than keys, a box finds them. Where labels are sets, a button switches its
// label on and off; where they are regions, it marks what is selected.
import type { ComponentChild } from 'preact';
import { useState } from 'preact/hooks';
import type { TaskRow } from '../api.gen';
import type { Form } from '../answer';
import { labelKey } from '../keys';
import { percent } from '../text';
import { hueOf } from './marked';

interface Props {
    labels: string[];
    task: TaskRow | null;
    form: Form;
    chosen: string[] | null; // the labels that are on; null: they answer or mark at once
    find: { current: HTMLInputElement | null };
    choose: (label: string) => void;
    children: ((label: string) => ComponentChild) | null; // what to show beside a label's name
}

function Label({ label, index, best, ...props }: Omit<Props, 'find'> & { label: string; index: number; best: boolean }) {
    const { labels, task, form, chosen } = props, key = labelKey(index, form), on = chosen?.includes(label);
    const suggested = task?.pre_label === label || task?.pre_labels?.includes(label), previous = task?.previous === label || task?.previous_labels?.includes(label);
    const kind = [suggested && 'suggested', previous && 'previous', best && 'best', on && 'on'].filter(Boolean).join(' ');
    return (
        <button type="button" class={`label ${kind}`} disabled={!task} aria-keyshortcuts={key ?? undefined} aria-pressed={on}
            onMouseDown={(e) => e.preventDefault()} onClick={() => props.choose(label)}>
            <kbd>{key ?? ''}</kbd>
            {chosen && <span class="box" aria-hidden="true" />}
            {form === 'spans' && <span class={`swatch ${hueOf(labels, label)}`} />}
            <span class="name">{label}</span>
            {props.children?.(label)}
            {previous && <span class="aside">your answer</span>}
            {suggested && <span class="aside"><span class="word">suggested </span>{form === 'label' && <>{percent(task?.pre_score ?? null)} <kbd title="Enter accepts it">⏎</kbd></>}</span>}
        </button>
    );
}

export function Labels({ find, ...props }: Props) {
    const { labels, task, form, choose } = props;
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
            {labelKey(labels.length - 1, form) === null && (
                <div class="find">
                    <kbd>/</kbd>
                    <input ref={find} type="text" value={filter} placeholder={`find among ${labels.length} labels`} aria-label="Find a label; Enter chooses the marked one"
                        autocomplete="off" spellcheck={false} onInput={(e) => setFilter(e.currentTarget.value)} onKeyDown={key} />
                </div>
            )}
            <div class="labels" role="group" aria-label="Labels">
                {labels.map((l, i) => matches(l) && <Label {...props} label={l} index={i} key={l} best={l === best} />)}
                {wanted && !best && <p class="hint">No label holds “{filter.trim()}”.</p>}
            </div>
        </>
    );
}
