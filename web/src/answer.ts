// What somebody says of an item, in the form the project's task has: one label, a set of labels, or regions of the text.
import type { Answer, ProjectFull, Span, TaskRow, VoteRow } from './api.gen';
import { plural } from './text';

export type Form = 'label' | 'labels' | 'spans';
const forms: Record<ProjectFull['task'], Form> = { 'text-classification': 'label', 'multi-label': 'labels', spans: 'spans' };
export const formOf = (project: ProjectFull): Form => forms[project.task];

/** All three null: skipped, or nothing known. */
export type Said = Pick<VoteRow, Form>;
export const nothing: Said = { label: null, labels: null, spans: null };
export const isNothing = (s: Said) => s.label === null && s.labels === null && s.spans === null;

export const ofMachine = (t: TaskRow): Said => ({ label: t.pre_label, labels: t.pre_labels, spans: t.pre_spans });
export const ofBefore = (t: TaskRow): Said => ({ label: t.previous, labels: t.previous_labels, spans: t.previous_spans });
export const ofAnswer = (a: Answer): Said => ({ label: a.label ?? null, labels: a.labels ?? null, spans: a.spans ?? null });
export const withBefore = (t: TaskRow, s: Said): TaskRow => ({ ...t, previous: s.label, previous_labels: s.labels, previous_spans: s.spans });

/** In a sentence. */
export function words(s: Said): string {
    if (s.label !== null) return s.label;
    if (s.labels !== null) return s.labels.join(', ') || 'none of the labels';
    if (s.spans !== null) return s.spans.length > 0 ? plural(s.spans.length, 'region') : 'no region';
    return 'skipped';
}

export const sameSpan = (a: Span, b: Span) => a.start === b.start && a.end === b.end && a.label === b.label;
const byPlace = (a: Span, b: Span) => a.start - b.start || b.end - a.end || (a.label < b.label ? -1 : 1);
/** In the order of the text, the longer first; without repeats. */
export function inOrder(spans: Span[]): Span[] {
    return [...spans].sort(byPlace).filter((s, i, all) => i === 0 || !sameSpan(s, all[i - 1]!));
}
