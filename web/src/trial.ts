// A rule tried while it is typed: a first answer from a random sample soon after the last key, the exact one when the typing rests.
import { useEffect, useState } from 'preact/hooks';
import { api, type FunctionTried } from './api.gen';
import { explain, Problem } from './call';

const first_ms = 120, exact_ms = 500, again_ms = 1500;

export interface Trial {
    tried: FunctionTried | null; // of the rule as it was when `error` was last null
    error: string | null;
    asking: boolean;
}

/** Another rule was typed, here or by somebody who shares the place: not a fault of this one. */
const overtaken = (e: unknown) => e instanceof Problem && e.status === 499;

export function useTrial(project: number, rule: string): Trial {
    const [state, set] = useState<Trial>({ tried: null, error: null, asking: false });
    useEffect(() => {
        let current = true, timer: ReturnType<typeof setTimeout>;
        const ask = async (exact: boolean) => {
            set((s) => ({ ...s, asking: true }));
            try {
                const tried = await api.function_try(project, { rule, exact });
                if (!current) return;
                set({ tried, error: null, asking: false });
                if (!exact) timer = setTimeout(() => void ask(true), exact_ms);
            } catch (e) {
                if (!current) return;
                if (overtaken(e)) timer = setTimeout(() => void ask(exact), again_ms);
                else set((s) => ({ tried: s.tried, error: explain(e), asking: false }));
            }
        };
        if (rule.trim() === '') set({ tried: null, error: null, asking: false });
        else timer = setTimeout(() => void ask(false), first_ms);
        return () => {
            current = false;
            clearTimeout(timer);
        };
    }, [project, rule]);
    return state;
}
