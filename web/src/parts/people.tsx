// Who works in a project and how well; managers set roles, admins add people.
import type { ComponentChildren } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { api, type PersonRow, type ProjectFull, type RoleSet } from '../api.gen';
import { explain, serverNow } from '../call';
import { say } from '../live';
import { useLoad } from '../load';
import { me } from '../session';
import { ago, count, percent } from '../text';
import { Said } from './said';

type Role = RoleSet['role'];
const roles: Role[] = ['viewer', 'annotator', 'expert', 'manager'];

function Gold({ p }: { p: PersonRow }) {
    if (p.gold_answered === 0 || p.gold_accuracy === null) return <>–</>;
    return (
        <>
            {percent(p.gold_accuracy)} <small title="of the gold items answered; exact 95 % interval">{p.gold_right} of {p.gold_answered}, {percent(p.gold_lo)} to {percent(p.gold_hi)}</small>
        </>
    );
}

/** The roles the signed-in person may give: only admins make managers. */
const mine = () => roles.filter((r) => r !== 'manager' || me.value?.admin);

function RoleOf({ p, change }: { p: PersonRow; change: (role: Role) => void }) {
    // An admin's rights are the workspace's; simulated people keep what the pipeline gave them.
    const fixed = p.simulated || p.id === me.value?.id || (p.role !== 'none' && !mine().includes(p.role));
    if (fixed) return <>{p.role}</>;
    return (
        <select aria-label={`Role of ${p.name}`} value={p.role} onChange={(e) => change(e.currentTarget.value as Role)}>
            {mine().map((r) => <option value={r} key={r}>{r}</option>)}
            <option value="none">no role</option>
        </select>
    );
}

function Table({ people, change }: { people: PersonRow[]; change: (p: PersonRow, role: Role) => void }) {
    const now = serverNow();
    return (
        <div class="wide">
            <table>
                <thead>
                    <tr><th>Name</th><th>Role</th><th class="n">Answers</th><th class="n">Per hour</th><th class="n">Gold right</th><th class="n">Skips</th><th class="n">Flags</th><th class="n">Last seen</th></tr>
                </thead>
                <tbody>
                    {people.map((p) => (
                        <tr key={p.id}>
                            <th scope="row">{p.name}{p.simulated && <span class="simulated">simulated</span>}</th>
                            <td><RoleOf p={p} change={(role) => change(p, role)} /></td>
                            <td class="n">{count(p.answers)}</td>
                            <td class="n">{p.per_hour === null ? '–' : count(Math.round(p.per_hour))}</td>
                            <td class="n"><Gold p={p} /></td>
                            <td class="n">{count(p.skips)}</td>
                            <td class="n">{count(p.flags)}</td>
                            <td class="n">{p.last_at === null ? '–' : ago(p.last_at, now)}</td>
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}

function RoleField(props: { id: string }) {
    return (
        <span class="field">
            <label for={props.id}>Role here</label>
            <select id={props.id} name="role">{mine().map((r) => <option value={r} key={r} selected={r === 'annotator'}>{r}</option>)}</select>
        </span>
    );
}

/** A form whose fields are read when it is sent; says what came of it. */
function Form(props: { title: string; button: string; send: (field: (name: string) => string) => Promise<string>; children: ComponentChildren }) {
    const [said, tell] = useState({ text: '', bad: false });
    const form = useRef<HTMLFormElement>(null);
    const field = (name: string) => (form.current!.elements.namedItem(name) as HTMLInputElement | null)?.value ?? '';
    const submit = async (e: Event) => {
        e.preventDefault();
        try {
            tell({ text: await props.send(field), bad: false });
            form.current!.reset();
        } catch (e) {
            tell({ text: explain(e), bad: true });
        }
    };
    return (
        <form ref={form} class="row" onSubmit={(e) => void submit(e)} aria-label={props.title}>
            {props.children}
            <button>{props.button}</button>
            <p class={said.bad ? 'error' : 'good'} role={said.bad ? 'alert' : 'status'}>{said.text}</p>
        </form>
    );
}

function AddPerson({ project, added }: { project: ProjectFull; added: () => void }) {
    const send = async (field: (name: string) => string) => {
        const user = await api.user_create({ name: field('name').trim(), password: field('password'), admin: false });
        await api.role_set(project.id, user.id, { role: field('role') as Role });
        added();
        return `${user.name} can sign in now. Tell them the password; they can change it.`;
    };
    return (
        <Form title="Add a person" button="Add" send={send}>
            <span class="field"><label for="new-name">Name</label><input id="new-name" name="name" required maxLength={64} autocomplete="off" autocapitalize="none" spellcheck={false} /></span>
            <span class="field"><label for="new-password">First password</label><input id="new-password" name="password" type="password" required minLength={8} maxLength={1024} autocomplete="new-password" /></span>
            <RoleField id="new-role" />
        </Form>
    );
}

/** People of the workspace who have no role here yet. */
function InvitePerson({ project, people, added }: { project: ProjectFull; people: PersonRow[]; added: () => void }) {
    const { value } = useLoad(() => api.user_list(), people.map((p) => p.id).join());
    const others = (value?.users ?? []).filter((u) => !u.simulated && !u.admin && !people.some((p) => p.id === u.id));
    if (others.length === 0) return null;
    const send = async (field: (name: string) => string) => {
        const p = await api.role_set(project.id, field('user'), { role: field('role') as Role });
        added();
        return `${p.name} is ${p.role} here now.`;
    };
    return (
        <Form title="Give a person a role" button="Give the role" send={send}>
            <span class="field"><label for="other">Person</label><select id="other" name="user">{others.map((u) => <option value={u.id} key={u.id}>{u.name}</option>)}</select></span>
            <RoleField id="other-role" />
        </Form>
    );
}

export function People({ project, turn }: { project: ProjectFull; turn: string }) {
    const { value, error, reload } = useLoad(() => api.people_list(project.id), project.id, turn);
    const people = value?.people;
    const change = async (p: PersonRow, role: Role) => {
        try {
            await api.role_set(project.id, p.id, { role });
            say(`${p.name}: ${role === 'none' ? 'no role' : role}.`);
        } catch (e) {
            say(`${p.name} stays ${p.role}: ${explain(e)}`, true);
        }
        reload();
    };
    return (
        <section class="people">
            <h2>People</h2>
            {error && <p class="error">{error}</p>}
            {people?.length === 0 && <p class="hint">Nobody has a role here yet.</p>}
            {people && people.length > 0 && <Table people={people} change={(p, role) => void change(p, role)} />}
            <Said />
            {me.value?.admin && people && (
                <>
                    <h3>Add a person</h3>
                    <AddPerson project={project} added={reload} />
                    <InvitePerson project={project} people={people} added={reload} />
                </>
            )}
        </section>
    );
}
