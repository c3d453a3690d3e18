// Writing the final labels to a file, and fetching it.
import { useState } from 'preact/hooks';
import { api, type ExportDone, type ProjectFull } from '../api.gen';
import { explain } from '../call';
import { plural } from '../text';

export function Exports({ project }: { project: ProjectFull }) {
    const [format, setFormat] = useState('jsonl'), [text, setText] = useState(true);
    const [busy, setBusy] = useState(false), [error, setError] = useState('');
    const [made, setMade] = useState<ExportDone[]>([]);

    const make = async (e: Event) => {
        e.preventDefault();
        setBusy(true);
        setError('');
        try {
            const row = await api.export_create(project.id, { format, text });
            setMade((rows) => [row, ...rows.filter((r) => r.file !== row.file)]);
        } catch (e) {
            setError(explain(e));
        }
        setBusy(false);
    };
    return (
        <section class="exports">
            <h2>Export</h2>
            <form class="row" onSubmit={(e) => void make(e)}>
                <span class="field">
                    <label for="format">Format</label>
                    <select id="format" value={format} onChange={(e) => setFormat(e.currentTarget.value)}><option value="jsonl">JSON lines</option><option value="csv">CSV</option></select>
                </span>
                <label class="check"><input type="checkbox" checked={text} onChange={(e) => setText(e.currentTarget.checked)} /> with the texts</label>
                <button class="main" disabled={busy}>{busy ? 'Writing…' : 'Export labels'}</button>
                <p class="error" role="alert">{error}</p>
            </form>
            <ul class="files" role="status">
                {made.map((r) => (
                    <li key={r.file}>
                        <a href={api.export_get(project.id, r.file)} download={r.file}>{r.file}</a> {plural(r.rows, 'label')}
                        {' · '}
                        <a href={api.export_get(project.id, r.left_out_file)} download={r.left_out_file}>{r.left_out_file}</a> {plural(r.left_out, 'item')} without a label, and why
                    </li>
                ))}
            </ul>
        </section>
    );
}
