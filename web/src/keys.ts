// Which key does what at a desk. The commands are one table: the keyboard, the buttons and the help page read it; labels get
// the keys that are left.

export type CommandName = 'accept' | 'undo' | 'skip' | 'flag' | 'comment' | 'guidelines' | 'find' | 'help';
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

export const many_labels = 31; // more have no key of their own: a box to find them appears

/** 1 … 9, 0, then letters in the order of the keyboard, without those that commands use. */
const labelKeys = [...'1234567890qwertyuiopasdfghjklzxcvbnm'].filter((k) => !commands.some((c) => c.keys.includes(k)));

/** The key of the label at an index, or null: it has none. */
export function labelKey(index: number): string | null {
    return labelKeys[index] ?? null;
}

export type Pressed = { label: number } | { command: CommandName } | null;

/** What a key press asks for. Digits are also known by their place, for layouts where they need Shift. */
export function pressed(e: KeyboardEvent): Pressed {
    if (e.ctrlKey || e.metaKey || e.altKey) return null;
    const key = e.key.length === 1 ? e.key.toLowerCase() : e.key;
    const command = commands.find((c) => c.keys.includes(key));
    if (command) return { command: command.name };
    const index = labelKeys.indexOf(key);
    if (index >= 0) return { label: index };
    const digit = /^(?:Digit|Numpad)(\d)$/.exec(e.code)?.[1];
    return digit ? { label: labelKeys.indexOf(digit) } : null;
}
