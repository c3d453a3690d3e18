// The keys, all of them. A modal dialog: the browser keeps the focus in it and Esc closes it.
import type { Signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { Form } from '../answer';
import { commandsOf, labelKey, moves } from '../keys';

export function Help({ open, labels, form }: { open: Signal<boolean>; labels: string[]; form: Form }) {
    const box = useRef<HTMLDialogElement>(null);
    const is = open.value;
    useEffect(() => {
        if (is) box.current?.showModal();
        else box.current?.close();
    }, [is]);
    useEffect(() => () => void (open.value = false), [open]);
    const close = () => (open.value = false);
    const key = (e: KeyboardEvent) => {
        if (e.key !== '?') return;
        e.stopPropagation();
        close();
    };
    return (
        <dialog ref={box} class="help" aria-labelledby="help-title" onClose={close} onKeyDown={key} onClick={(e) => e.target === box.current && close()}>
            <div>
                <header><h2 id="help-title">Keys</h2><button type="button" class="close" aria-label="Close" onClick={close}>×</button></header>
                <dl>
                    {commandsOf(form).map((c) => <div key={c.name}><dt><kbd>{c.shown}</kbd></dt><dd>{c.help}</dd></div>)}
                    {form === 'spans' && moves.map((m) => <div key={m.shown}><dt><kbd>{m.shown}</kbd></dt><dd>{m.help}</dd></div>)}
                </dl>
                <h3>Labels</h3>
                <dl class="columns">
                    {labels.map((l, i) => labelKey(i, form) !== null && <div key={l}><dt><kbd>{labelKey(i, form)}</kbd></dt><dd>{l}</dd></div>)}
                </dl>
                {labelKey(labels.length - 1, form) === null && <p class="hint">The other labels are found with <kbd>/</kbd>.</p>}
            </div>
        </dialog>
    );
}
