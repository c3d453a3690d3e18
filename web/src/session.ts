// Who is signed in. The session itself is a cookie that pages cannot read; a mark in localStorage says whether asking for it
// is worth a request.
import { signal } from '@preact/signals';
import { api, type Me } from './api.gen';
import { onSignedOut, Problem } from './call';
import { forget, keep, kept } from './storage';

/** undefined: not known yet; null: nobody. */
export const me = signal<Me | null | undefined>(undefined);
/** True when a session ended by itself, so the sign-in page can say so. */
export const ended = signal(false);
/** True when the server did not answer who is signed in. */
export const unreachable = signal(false);

const mark = 'karat.signed-in';

onSignedOut(() => {
    ended.value = me.value != null;
    me.value = null;
    forget(mark);
});

export async function restore(): Promise<void> {
    if (!kept(mark)) {
        me.value = null;
        return;
    }
    unreachable.value = false;
    try {
        me.value = await api.session_get();
    } catch (e) {
        unreachable.value = !(e instanceof Problem && e.status === 401);
    }
}

export async function signIn(name: string, password: string): Promise<void> {
    const s = await api.session_open({ name, password });
    keep(mark, '1');
    ended.value = false;
    me.value = { id: s.id, name: s.name, admin: s.admin };
}

/** A new password ends every session, this one too: it goes on in a new one. */
export async function changePassword(old: string, next: string): Promise<void> {
    await api.password_set({ old, new_password: next });
    if (me.value) await signIn(me.value.name, next);
}

export async function signOut(): Promise<void> {
    await api.session_close();
    forget(mark);
    ended.value = false;
    me.value = null;
}
