// Which key does what at a desk. The commands are one table: the keyboard, the buttons and the help page read it; labels get
// the keys that are left. Where labels are sets or regions, a few commands differ.
import type { Form } from './answer';

export type CommandName = 'accept' | 'undo' | 'skip' | 'flag' | 'comment' | 'guidelines' | 'find' | 'help' | 'remove' | 'borrow';
export interface Command {
    name: CommandName;
    keys: string[]; // as KeyboardEvent.key says them; the first one is shown
    shown: string;
    short: string; // on its button; empty: it has none
    help: string;
}

export const commands: Command[] = [
    { name: 'accept', keys: ['Enter'], shown: '⏎', short: '', help: 'Accept the suggested label' },
    { name: 'undo', keys: ['z', 'Backspace'], shown: 'z', short: 'Undo', help: 'Take the last answer back (also Backspace)' },
    { name: 'skip', keys: ['s'], shown: 's', short: 'Skip', help: 'Not for me: somebody else gets the item' },
    { name: 'flag', keys: ['f'], shown: 'f', short: 'Flag', help: 'Ask for a second look at this item' },
    { name: 'comment', keys: ['c'], shown: 'c', short: 'Comment', help: 'Write a comment; Enter or Esc goes back to the item' },
    { name: 'guidelines', keys: ['g'], shown: 'g', short: 'Guidelines', help: 'Show or hide the guidelines' },
    { name: 'find', keys: ['/'], shown: '/', short: '', help: 'Find a label by typing part of it, when there are many' },
    { name: 'help', keys: ['?'], shown: '?', short: 'Keys', help: 'Show this list' },
];

const borrow: Command = { name: 'borrow', keys: ['v'], shown: 'v', short: '', help: 'Start from the next of the others’ answers, where they are shown' };
const ofForm: Record<Form, Command[]> = {
    label: [],
    labels: [
        { name: 'accept', keys: ['Enter'], shown: '⏎', short: '', help: 'Submit the labels that are on; with none on: none of them' },
        { name: 'remove', keys: ['x'], shown: 'x', short: '', help: 'Switch all labels off' }, borrow,
    ],
    spans: [
        { name: 'accept', keys: ['Enter'], shown: '⏎', short: '', help: 'Submit the regions; without any: there is none' },
        { name: 'undo', keys: ['z'], shown: 'z', short: 'Undo', help: 'Take the last answer back' },
        { name: 'remove', keys: ['x', 'Delete', 'Backspace'], shown: 'x', short: '', help: 'Remove the region at the cursor (also Delete)' }, borrow,
    ],
};
/** The commands of a desk: of all, some in the words of its form, and its own. */
export function commandsOf(form: Form): Command[] {
    const own = ofForm[form];
    return [...commands.map((c) => own.find((o) => o.name === c.name) ?? c), ...own.filter((o) => !commands.some((c) => c.name === o.name))];
}

/** How regions are marked, for the help page. */
export const moves = [
    { shown: '← →', help: 'From word to word; with Shift: select them' },
    { shown: '↑ ↓', help: 'A line up or down' },
    { shown: 'Tab', help: 'From region to region; a label’s key then changes its label' },
    { shown: 'Alt', help: 'While selecting with the mouse: single characters, not whole words' },
];

export const many_labels = 31; // more have no key of their own: a box to find them appears

/** 1 … 9, 0, then letters in the order of the keyboard, without those that commands use. */
const keysOf = (form: Form) => [...'1234567890qwertyuiopasdfghjklzxcvbnm'].filter((k) => !commandsOf(form).some((c) => c.keys.includes(k)));
const labelKeys: Record<Form, string[]> = { label: keysOf('label'), labels: keysOf('labels'), spans: keysOf('spans') };

/** The key of the label at an index, or null: it has none. */
export function labelKey(index: number, form: Form = 'label'): string | null {
    return labelKeys[form][index] ?? null;
}

export type Pressed = { label: number } | { command: CommandName } | null;

/** What a key press asks for. Digits are also known by their place, for layouts where they need Shift. */
export function pressed(e: KeyboardEvent, form: Form = 'label'): Pressed {
    if (e.ctrlKey || e.metaKey || e.altKey) return null;
    const key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
    const command = commandsOf(form).find((c) => c.keys.includes(key));
    if (command) return { command: command.name };
    const index = labelKeys[form].indexOf(key);
    if (index >= 0) return { label: index };
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(e.code)?.[1];
    return digit ? { label: labelKeys[form].indexOf(digit) } : null;
}
