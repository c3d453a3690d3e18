// Sign-in. Stays on the path that was asked for, so a person whose session ended goes on where they were.
import { useEffect, useRef, useState } from 'preact/hooks';
import { explain, Problem } from '../call';
import { waiting } from '../outbox';
import { Mark } from '../parts/shell';
import { ended, signIn } from '../session';
import { plural } from '../text';

const wrong = 'Name or password is wrong. Check both; capital letters count.';

export function SignIn() {
    const [error, setError] = useState('');
    const [busy, setBusy] = useState(false);
    const name = useRef<HTMLInputElement>(null), password = useRef<HTMLInputElement>(null);
    useEffect(() => name.current?.focus(), []);

    const submit = async (e: Event) => {
        e.preventDefault();
        const empty = [name, password].find((field) => !field.current?.value);
        if (empty) {
            setError(empty === name ? 'Type your name.' : 'Type your password.');
            return empty.current?.focus();
        }
        setBusy(true);
        setError('');
        try {
            await signIn(name.current!.value.trim(), password.current!.value);
        } catch (e) {
            setBusy(false);
            setError(e instanceof Problem && e.status === 401 ? wrong : explain(e));
            password.current?.focus();
            password.current?.select();
        }
    };

    return (
        <main class="signin">
            <h1><Mark />Karat</h1>
            {ended.value && <p class="hint">Your session ended. Sign in to go on where you were.</p>}
            {waiting.value > 0 && <p class="hint">{plural(waiting.value, 'answer')} not yet saved will be sent when their author signs in here again.</p>}
            <form onSubmit={(e) => void submit(e)} noValidate>
                <label for="name">Name</label>
                <input id="name" ref={name} name="username" autocomplete="username" autocapitalize="none" spellcheck={false}
                    required maxLength={64} aria-describedby="error" />
                <label for="password">Password</label>
                <input id="password" ref={password} name="password" type="password" autocomplete="current-password" required
                    maxLength={1024} aria-describedby="error" />
                <p id="error" class="error" role="alert">{error}</p>
                <button class="main" disabled={busy}>{busy ? 'Signing in…' : 'Sign in'}</button>
            </form>
            <p class="hint">Accounts are made by an admin of this workspace.</p>
        </main>
    );
}
