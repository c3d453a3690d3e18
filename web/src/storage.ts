// localStorage that never throws: a browser may refuse it or have no room.

/** False when it could not be kept. */
export function keep(key: string, value: string): boolean {
    try {
        localStorage.setItem(key, value);
        return true;
    } catch {
        return false;
    }
}

export function kept(key: string): string | null {
    try {
        return localStorage.getItem(key);
    } catch {
        return null;
    }
}

export function forget(key: string): void {
    try {
        localStorage.removeItem(key);
    } catch {
        // nothing was kept there
    }
}

/** All keys that begin so. */
export function keysUnder(prefix: string): string[] {
    try {
        return Object.keys(localStorage).filter((k) => k.startsWith(prefix));
    } catch {
        return [];
    }
}
