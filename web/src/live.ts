// What screen readers are told and the status line shows: one short sentence at a time.
import { signal } from '@preact/signals';

export interface Said {
    text: string;
    bad: boolean;
}
export const said = signal<Said>({ text: '', bad: false });

/** bad: stays until the next one, in the colour of trouble. */
export function say(text: string, bad = false): void {
    said.value = { text, bad };
}
