// What every page has around it: the mark, where one is, where one may go, whether all answers are saved.
import type { ComponentChildren } from 'preact';
import type { ProjectRow } from '../api.gen';
import { plural } from '../text';
import { safe, trouble, waiting } from '../outbox';
import { follow, path } from '../router';
import { me } from '../session';

export const Mark = () => (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
        <path class="mark-body" d="M16 2 30 16 16 30 2 16z" />
        <path class="mark-letter" d="M12.2 9.5v13M20.2 9.5 13 16l7.2 6.5" />
    </svg>
);

export function Link(props: { to: string; class?: string; children: ComponentChildren }) {
    const here = path.value === props.to;
    return <a href={props.to} class={props.class} onClick={follow} aria-current={here ? 'page' : undefined}>{props.children}</a>;
}

export function Notice(props: { title: string; children?: ComponentChildren }) {
    return (
        <main class="notice">
            <h1>{props.title}</h1>
            {props.children && <p>{props.children}</p>}
        </main>
    );
}

/** Says nothing while answers travel as they should. */
function Saved() {
    const n = waiting.value, why = trouble.value;
    const text = n === 0 || why === null ? '' : `${plural(n, 'answer')} not saved yet: ${why}. Trying again; keep this page open${safe.value ? '' : ', it is the only copy'}.`;
    return (
        <div class="saved" role="status">
            {text && <p class="trouble">{text}</p>}
            {n > 0 && !text && <p class="later">Saving…</p>}
        </div>
    );
}

type Place = Pick<ProjectRow, 'id' | 'name' | 'desks'> & Partial<Pick<ProjectRow, 'role'>>;

export const desks = {
    annotator: { word: 'Annotate', path: 'annotate' },
    expert: { word: 'Decide', path: 'decide' },
} as const;

export function deskLinks(p: Place): { to: string; word: string }[] {
    return (['annotator', 'expert'] as const)
        .filter((d) => p.desks.includes(d))
        .map((d) => ({ to: `/projects/${p.id}/${desks[d].path}`, word: desks[d].word }));
}

export const progressLink = (p: Pick<Place, 'id'>) => ({ to: `/projects/${p.id}/progress`, word: 'Progress' });

const roles = ['none', 'viewer', 'annotator', 'expert', 'manager', 'admin'];

/** What a role opens beside the progress. */
function roleLinks(p: Place): { to: string; word: string }[] {
    const rank = roles.indexOf(p.role ?? 'none');
    return [{ least: 'manager', to: `/projects/${p.id}/functions`, word: 'Functions' }, { least: 'expert', to: `/projects/${p.id}/items`, word: 'Items' }]
        .filter((l) => rank >= roles.indexOf(l.least));
}

export function Shell(props: { project?: Place | null; class?: string; children: ComponentChildren }) {
    const p = props.project;
    return (
        <div class={`shell ${props.class ?? ''}`}>
            <header class="top">
                <Link to="/" class="home"><Mark /><span>Karat</span></Link>
                {p && <span class="where" title={p.name}>{p.name}</span>}
                {p && (
                    <nav aria-label="Project">
                        {[...deskLinks(p), progressLink(p), ...roleLinks(p)].map((l) => <Link to={l.to} key={l.to}>{l.word}</Link>)}
                    </nav>
                )}
                <Saved />
                <Link to="/account" class="who">{me.value?.name}</Link>
            </header>
            {props.children}
        </div>
    );
}
