// What a page needs before it can show anything, and what to say when it cannot be had.
import { useEffect, useState } from 'preact/hooks';
import { explain } from './call';

export interface Loaded<T> {
    value: T | null;
    error: string | null;
    reload: () => void;
}

/** Runs f when key or turn change, and on reload. Another key is another thing: the old value goes; another turn is the same
    thing again: the old value stays until the new one is there. */
export function useLoad<T>(f: () => Promise<T>, key: unknown, turn: unknown = 0): Loaded<T> {
    const [got, set] = useState<{ key: unknown; value: T | null; error: string | null }>({ key, value: null, error: null });
    const [reloads, again] = useState(0);
    useEffect(() => {
        let current = true;
        f().then(
            (value) => current && set({ key, value, error: null }),
            (e: unknown) => current && set((was) => ({ key, value: was.key === key ? was.value : null, error: explain(e) })),
        );
        return () => void (current = false);
    }, [key, turn, reloads]);
    const same = got.key === key;
    return { value: same ? got.value : null, error: same ? got.error : null, reload: () => again((n) => n + 1) };
}
