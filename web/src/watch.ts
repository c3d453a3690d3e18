// A project's progress as it changes: server-sent events, opened again whenever they break, and closed while nobody looks
// (a browser allows few connections to one place).
import { signal, type Signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { api, type ProgressRow } from './api.gen';
import { explain } from './call';

export interface Watch {
    progress: Signal<ProgressRow | null>;
    live: Signal<boolean>;
    error: Signal<string | null>;
}

const retry_ms = 3000;

function open(project: number, w: Watch): () => void {
    let source: EventSource | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const close = () => {
        clearTimeout(timer);
        source?.close();
        source = null;
        w.live.value = false;
    };
    const connect = () => {
        close();
        if (document.hidden) return;
        source = new EventSource(api.progress_watch(project));
        source.addEventListener('progress', (e) => {
            w.progress.value = JSON.parse((e as MessageEvent<string>).data) as ProgressRow;
            w.live.value = true;
            w.error.value = null;
        });
        source.onerror = () => {
            w.live.value = false;
            if (source?.readyState !== EventSource.CLOSED) return; // the browser tries again by itself
            // The server refused: a plain request tells why, and notices an ended session.
            api.progress_get(project).then(
                (p) => (w.progress.value = p),
                (e: unknown) => (w.error.value = explain(e)),
            );
            clearTimeout(timer);
            timer = setTimeout(connect, retry_ms);
        };
    };
    document.addEventListener('visibilitychange', connect);
    connect();
    return () => {
        document.removeEventListener('visibilitychange', connect);
        close();
    };
}

export function useWatch(project: number): Watch {
    const w = useMemo<Watch>(() => ({ progress: signal(null), live: signal(false), error: signal(null) }), [project]);
    useEffect(() => open(project, w), [w]);
    return w;
}
