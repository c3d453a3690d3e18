// The projects one has a role in. With one place to go, one is there already.
import { useEffect } from 'preact/hooks';
import { api, type ProjectRow } from '../api.gen';
import { useLoad } from '../load';
import { deskLinks, Link, Notice, progressLink, Shell } from '../parts/shell';
import { go } from '../router';
import { me } from '../session';
import { plural } from '../text';

const manages = (p: ProjectRow) => p.role === 'manager' || p.role === 'admin';

function Row({ project: p }: { project: ProjectRow }) {
    return (
        <li>
            <h2>{p.name}</h2>
            <p class="hint">{plural(p.items, 'item')} · your role: {p.role}</p>
            <p class="go">
                {[...deskLinks(p), progressLink(p)].map((l) => <Link to={l.to} key={l.to}>{l.word}</Link>)}
            </p>
        </li>
    );
}

export function Home() {
    const { value, error } = useLoad(() => api.project_list(), 'projects');
    const projects = value?.projects;
    useEffect(() => {
        const only = projects?.length === 1 ? projects[0]! : null;
        const places = !only ? [] : manages(only) ? [progressLink(only)] : deskLinks(only);
        if (places.length === 1) go(places[0]!.to, true);
    }, [projects]);
    if (error) return <Shell><Notice title="The projects cannot be shown">{error}</Notice></Shell>;
    if (!projects) return <Shell><p class="later notice" role="status">Loading…</p></Shell>;
    if (projects.length === 0)
        return <Shell><Notice title="No project yet">{me.value?.name}, you have no role in any project. A manager of the project can give you one.</Notice></Shell>;
    return (
        <Shell>
            <main class="page narrow">
                <h1>Projects</h1>
                <ul class="projects">{projects.map((p) => <Row project={p} key={p.id} />)}</ul>
            </main>
        </Shell>
    );
}
