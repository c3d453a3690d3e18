// A text with its regions: underlines in lanes, so that those that overlap or nest stay apart, and a tag where each ends.
import { Component, type ComponentChildren } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Span } from '../api.gen';
import { lanesOf, Places, piecesOf, type Lane, type Piece } from '../places';

const hues = 8, most_lanes = 6; // colours there are in base.css; lanes with a line of their own
export const hueOf = (labels: string[], label: string) => `hue${labels.indexOf(label) % hues}`;

interface Props {
    places: Places;
    spans: Span[];
    labels: string[];
    suggested?: Span[] | null;
    take?: (s: Span) => void;
}

export const tagKey = (s: Span) => `${s.start}-${s.end} ${s.label}`;

type Shared = Omit<Props, 'spans' | 'suggested'> & { suggested: Set<string> };

function Tag({ span, labels, suggested, take }: { span: Span } & Shared) {
    return (
        <span data-tag={tagKey(span)} class={`tag ${hueOf(labels, span.label)} ${suggested.has(tagKey(span)) ? 'suggested' : ''}`} onMouseDown={take && ((e) => e.preventDefault())}
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

type OneProps = { piece: Piece } & Shared;
const looks = (p: Piece) => `${p.to} ${p.over.map((l) => `${l.lane} ${l.span.label}`).join()} ${p.ends.map((l) => l.span.label).join()}`;

/** Most pieces of a long text stay as they are when one region comes or goes. */
class One extends Component<OneProps> {
    override shouldComponentUpdate(next: OneProps): boolean {
        const now = this.props, ends = next.piece.ends;
        return looks(now.piece) !== looks(next.piece) || now.piece.ends.some((l, i) => l.span !== ends[i]?.span) || now.suggested !== next.suggested || now.places !== next.places;
    }

    render({ piece, ...props }: OneProps) {
        const { from, to, over, ends } = piece, text = props.places.text.slice(from, to);
        return (
            <>
                <span data-at={from} class={over.length === 0 ? undefined : 'marked'} style={over.length > 0 ? lines(over, props.labels) : undefined}>{text}</span>
                {ends.map((l) => <Tag key={tagKey(l.span)} {...props} span={l.span} />)}
            </>
        );
    }
}

export function Marked({ spans, ...props }: Props): ComponentChildren {
    const { places, labels } = props, suggested = useMemo(() => new Set(props.suggested?.map(tagKey)), [props.suggested]);
    return useMemo(() => piecesOf(places, lanesOf(spans)).map((p) => <One key={p.from} {...props} suggested={suggested} piece={p} />), [places, spans, labels, suggested]);
}

/** How many lines stand under the text at most. */
export const depth = (spans: Span[]) => Math.min(lanesOf(spans).reduce((most, l) => Math.max(most, l.lane + 1), 0), most_lanes);
