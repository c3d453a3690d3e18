// One's own account: the password, and the way out.
import { useRef, useState } from 'preact/hooks';
import { explain, Problem } from '../call';
import { waiting } from '../outbox';
import { Shell } from '../parts/shell';
import { changePassword, me, signOut } from '../session';
import { plural } from '../text';

const shortest_bytes = 8;

function Password() {
    const [said, say] = useState({ text: '', bad: false });
    const form = useRef<HTMLFormElement>(null);
    const field = (name: string) => form.current!.elements.namedItem(name) as HTMLInputElement;

    const refuse = (name: string, text: string) => {
        say({ text, bad: true });
        field(name).focus();
        field(name).select();
    };
    const submit = async (e: Event) => {
        e.preventDefault();
        const now = field('now').value, next = field('next').value;
        if (!now) return refuse('now', 'Type your present password.');
        if (new TextEncoder().encode(next).length < shortest_bytes) return refuse('next', `The new password needs at least ${shortest_bytes} characters.`);
        if (next !== field('again').value) return refuse('again', 'The two new passwords differ.');
        try {
            await changePassword(now, next);
            form.current!.reset();
            say({ text: 'Password changed. Your other sessions have ended.', bad: false });
        } catch (e) {
            refuse(e instanceof Problem && e.field?.includes('new') ? 'next' : 'now', explain(e));
        }
    };

    return (
        <form ref={form} onSubmit={(e) => void submit(e)} noValidate class="stack">
            <input class="away" name="username" autocomplete="username" value={me.value?.name ?? ''} readOnly tabIndex={-1} aria-hidden="true" />
            <label for="now">Present password</label>
            <input id="now" name="now" type="password" autocomplete="current-password" aria-describedby="said" />
            <label for="next">New password</label>
            <input id="next" name="next" type="password" autocomplete="new-password" aria-describedby="said" />
            <label for="again">New password again</label>
            <input id="again" name="again" type="password" autocomplete="new-password" aria-describedby="said" />
            <p id="said" class={said.bad ? 'error' : 'good'} role={said.bad ? 'alert' : 'status'}>{said.text}</p>
            <button class="main">Change password</button>
        </form>
    );
}

function Leave() {
    const [error, setError] = useState('');
    const leave = () => signOut().catch((e: unknown) => setError(explain(e)));
    return (
        <>
            {waiting.value > 0 && <p class="trouble">{plural(waiting.value, 'answer')} not saved yet. They stay on this device and are sent when you sign in here again.</p>}
            <button type="button" onClick={() => void leave()}>Sign out</button>
            <p class="error" role="alert">{error}</p>
        </>
    );
}

export function Account() {
    return (
        <Shell>
            <main class="page narrow">
                <h1>{me.value?.name}</h1>
                {me.value?.admin && <p class="hint">You administer this workspace.</p>}
                <h2>Password</h2>
                <Password />
                <h2>Session</h2>
                <Leave />
            </main>
        </Shell>
    );
}
