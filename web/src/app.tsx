// Which page a path shows. A new page is a file in pages/ and a line here.
import { Component, type ComponentChildren, type VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import { Account } from './pages/account';
import { DeskPage } from './pages/desk';
import { FunctionsPage } from './pages/functions';
import { Home } from './pages/home';
import { ItemPage } from './pages/item';
import { ProgressPage } from './pages/progress';
import { SignIn } from './pages/signin';
import { Notice, Shell } from './parts/shell';
import { path } from './router';
import { me, restore, unreachable } from './session';

const pages: { path: RegExp; title: string; page: (part: string, rest: string) => VNode }[] = [
    { path: /^\/$/, title: 'Projects', page: () => <Home /> },
    { path: /^\/projects\/(\d+)\/annotate$/, title: 'Annotate', page: (p) => <DeskPage project={Number(p)} desk="annotator" /> },
    { path: /^\/projects\/(\d+)\/decide$/, title: 'Decide', page: (p) => <DeskPage project={Number(p)} desk="expert" /> },
    { path: /^\/projects\/(\d+)\/progress$/, title: 'Progress', page: (p) => <ProgressPage project={Number(p)} /> },
    { path: /^\/projects\/(\d+)\/functions$/, title: 'Functions', page: (p) => <FunctionsPage project={Number(p)} /> },
    { path: /^\/projects\/(\d+)\/items(?:\/(\d+))?$/, title: 'Item', page: (p, n) => <ItemPage project={Number(p)} item={n === '' ? null : Number(n)} /> },
    { path: /^\/account$/, title: 'Account', page: () => <Account /> },
];

function useTitle(title: string): void {
    useEffect(() => void (document.title = `${title} · Karat`), [title]);
}

function Page() {
    for (const p of pages) {
        const m = p.path.exec(path.value);
        if (m) return <Titled title={p.title} key={path.value}>{p.page(m[1] ?? '', m[2] ?? '')}</Titled>;
    }
    return <Titled title="Not found"><Shell><Notice title="There is no such page"><a href="/">Go to the projects</a></Notice></Shell></Titled>;
}

function Titled(props: { title: string; children: ComponentChildren }) {
    useTitle(props.title);
    return <>{props.children}</>;
}

/** The last resort: a fault in a page must not look like a page that never loads. */
class Guard extends Component<{ children: ComponentChildren }, { fault: string | null }> {
    override state = { fault: null as string | null };
    override componentDidCatch(e: unknown) {
        this.setState({ fault: e instanceof Error ? e.message : String(e) });
    }
    render() {
        if (this.state.fault === null) return this.props.children;
        return (
            <Notice title="This page broke">
                {this.state.fault}. Answers not yet saved are kept on this device. <a href={path.value}>Load it again</a>
            </Notice>
        );
    }
}

function Start() {
    if (unreachable.value)
        return <Notice title="The server does not answer"><button type="button" onClick={() => void restore()}>Try again</button></Notice>;
    if (me.value === undefined) return <p class="later notice" role="status">Loading…</p>;
    return me.value === null ? <Titled title="Sign in"><SignIn /></Titled> : <Page />;
}

export const App = () => <Guard><Start /></Guard>;
