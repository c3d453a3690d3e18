// What the annotators said of a disputed item, side by side, and how the labels stand.
import type { VoteRow } from '../api.gen';
import { serverNow } from '../call';
import { ago } from '../text';

export function Votes({ votes }: { votes: VoteRow[] }) {
    const now = serverNow();
    return (
        <ol class="votes" aria-label="Answers so far">
            {votes.map((v) => (
                <li key={v.annotator + v.at}>
                    <p class="by">{v.annotator} <time dateTime={v.at}>{ago(v.at, now)}</time></p>
                    <p class="said-label">{v.label ?? <i>skipped</i>}{v.flagged && <span class="flagged">flagged</span>}</p>
                    {v.comment && <p class="why-label">{v.comment}</p>}
                </li>
            ))}
        </ol>
    );
}

export function Tally({ votes, label }: { votes: VoteRow[]; label: string }) {
    const n = votes.filter((v) => v.label === label).length;
    if (n === 0) return null;
    return (
        <span class="tally">
            <span aria-hidden="true">{'●'.repeat(Math.min(n, 8))}</span> {n}<span class="away"> {n === 1 ? 'vote' : 'votes'}</span>
        </span>
    );
}
