// The page is the path; the server sends index.html for every path that is not the API's.
import { signal } from '@preact/signals';

export const path = signal(location.pathname);

export function go(to: string, replace = false): void {
    if (to !== location.pathname) history[replace ? 'replaceState' : 'pushState'](null, '', to);
    path.value = to;
    scrollTo(0, 0);
}

/** For a link's click: stays in this page unless the person wants a new tab. */
export function follow(e: MouseEvent): void {
    const link = e.currentTarget as HTMLAnchorElement;
    if (e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    e.preventDefault();
    go(new URL(link.href).pathname);
}

addEventListener('popstate', () => (path.value = location.pathname));
