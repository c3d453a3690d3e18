// A text with its regions: underlines in lanes, so that those that overlap or nest stay apart, and a tag where each ends.
import type { ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Span } from '../api.gen';
import { sameSpan } from '../answer';
import { lanesOf, Places, piecesOf, type Lane, type Piece } from '../places';

const hues = 8, most_lanes = 6; // colours there are in base.css; lanes with a line of their own
export const hueOf = (labels: string[], label: string) => `hue${labels.indexOf(label) % hues}`;

interface Props {
    places: Places;
    spans: Span[];
    labels: string[];
    inHand?: Span | null;
    suggested?: Span[] | null;
    take?: (s: Span) => void;
}

function Tag({ span, labels, inHand, suggested, take }: { span: Span } & Props) {
    const kind = [inHand === span && 'in-hand', suggested?.some((s) => sameSpan(s, span)) && 'suggested'].filter(Boolean).join(' ');
    return (
        <span class={`tag ${hueOf(labels, span.label)} ${kind}`} onMouseDown={take && ((e) => e.preventDefault())}
            onClick={take && ((e) => { e.stopPropagation(); take(span); })}><span class="away"> (</span>{span.label}<span class="away">) </span></span>
    );
}

/** One line under the text for each lane, the deepest lane lowest. */
function lines(over: Lane[], labels: string[]): Record<string, string> {
    const hue = (l: Lane) => `var(--${hueOf(labels, l.span.label)})`, y = (l: Lane) => `calc(100% - ${(most_lanes - 1 - Math.min(l.lane, most_lanes - 1)) * 4}px)`;
    return {
        backgroundImage: over.map((l) => `linear-gradient(${hue(l)}, ${hue(l)})`).join(', '),
        backgroundPosition: over.map((l) => `0 ${y(l)}`).join(', '),
    };
}

function One({ piece, ...props }: { piece: Piece } & Props) {
    const { from, to, over, ends } = piece, text = props.places.text.slice(from, to);
    return (
        <>
            <span data-at={from} class={over.length === 0 ? undefined : `marked ${over.some((l) => l.span === props.inHand) ? 'in-hand' : ''}`}
                style={over.length > 0 ? lines(over, props.labels) : undefined}>{text}</span>
            {ends.map((l) => <Tag key={`${l.span.start} ${l.span.label}`} span={l.span} {...props} />)}
        </>
    );
}

export function Marked(props: Props): ComponentChildren {
    const { places, spans, labels, inHand, suggested } = props;
    return useMemo(() => piecesOf(places, lanesOf(spans)).map((p) => <One key={p.from} piece={p} {...props} />), [places, spans, labels, inHand, suggested]);
}

/** How many lines stand under the text at most. */
export const depth = (spans: Span[]) => Math.min(lanesOf(spans).reduce((most, l) => Math.max(most, l.lane + 1), 0), most_lanes);
