// What the annotators said of a disputed item, side by side, and how the labels stand.
import type { Span, VoteRow } from '../api.gen';
import { isNothing, sameSpan } from '../answer';
import { serverNow } from '../call';
import type { Places } from '../places';
import { ago } from '../text';
import { SpansSaid } from './regions';

/** borrow: to go on from what somebody said; places: of the text, to quote it. */
interface Props {
    votes: VoteRow[];
    places?: Places | null;
    borrow?: (v: VoteRow) => void;
}

function Answered({ v, votes, places }: Props & { v: VoteRow }) {
    const others = votes.filter((o) => o !== v && !isNothing(o));
    if (v.spans) return <SpansSaid spans={v.spans} places={places ?? null} alone={(s: Span) => others.some((o) => !o.spans?.some((x) => sameSpan(x, s)))} />;
    if (!v.labels) return <>{v.label ?? <i>skipped</i>}</>;
    if (v.labels.length === 0) return <i>none</i>;
    return <ul class="said-labels">{v.labels.map((l) => <li key={l} class={others.some((o) => !o.labels?.includes(l)) ? 'alone' : ''}>{l}</li>)}</ul>;
}

export function Votes({ votes, places, borrow }: Props) {
    const now = serverNow();
    return (
        <ol class="votes" aria-label="Answers so far">
            {votes.map((v) => (
                <li key={v.annotator + v.at}>
                    <p class="by">{v.annotator} <time dateTime={v.at}>{ago(v.at, now)}</time></p>
                    <div class="said-label"><Answered v={v} votes={votes} places={places} />{v.flagged && <span class="flagged">flagged</span>}</div>
                    {v.comment && <p class="why-label">{v.comment}</p>}
                    {borrow && (v.labels || v.spans) && <button type="button" class="borrow" onMouseDown={(e) => e.preventDefault()} onClick={() => borrow(v)}>Start from this</button>}
                </li>
            ))}
        </ol>
    );
}

export function Tally({ votes, label }: { votes: VoteRow[]; label: string }) {
    const n = votes.filter((v) => v.label === label || v.labels?.includes(label)).length;
    if (n === 0) return null;
    return (
        <span class="tally">
            <span aria-hidden="true">{'●'.repeat(Math.min(n, 8))}</span> {n}<span class="away"> {n === 1 ? 'vote' : 'votes'}</span>
        </span>
    );
}
