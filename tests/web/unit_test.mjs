// What the pages compute: keys of labels, places and words of a text, lanes of regions, the last hour's minutes, times, the generated client; whether every text colour can be
// read on what it stands on (WCAG 2.1 AA, 4.5 to 1) in both schemes; and what is served.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from '../../web/node_modules/esbuild/lib/main.js';
import { generate } from '../../web/gen-api.mjs';

async function load(file) {
    const r = await build({ entryPoints: [`web/src/${file}`], bundle: true, format: 'esm', write: false, jsx: 'automatic', jsxImportSource: 'preact', absWorkingDir: process.cwd() });
    return import(`data:text/javascript;base64,${Buffer.from(r.outputFiles[0].contents).toString('base64')}`);
}

let failed = 0;
async function test(name, f) {
    try {
        await f();
        console.log(`ok   ${name}`);
    } catch (e) {
        failed++;
        console.log(`FAIL ${name}\n${e.stack}`);
    }
}
const key = (key, more = {}) => ({ key, code: '', ctrlKey: false, metaKey: false, altKey: false, ...more });

await test('keys: each label one of its own, none of a command, and as many as many_labels says', async () => {
    const k = await load('keys.ts');
    const given = Array.from({ length: 60 }, (_, i) => k.labelKey(i)).filter((x) => x !== null);
    assert.equal(new Set(given).size, given.length);
    assert.equal(given.length, k.many_labels);
    assert.equal(given.slice(0, 14).join(''), '1234567890qwer');
    for (const c of k.commands) for (const x of c.keys) assert.ok(!given.includes(x), x);
});

await test('keys: what is pressed', async () => {
    const { pressed } = await load('keys.ts');
    assert.deepEqual(pressed(key('1')), { label: 0 });
    assert.deepEqual(pressed(key('0')), { label: 9 });
    assert.deepEqual(pressed(key('Q')), { label: 10 }); // Caps Lock
    assert.deepEqual(pressed(key('é', { code: 'Digit2' })), { label: 1 }); // AZERTY
    assert.deepEqual(pressed(key('Backspace')), { command: 'undo' });
    assert.deepEqual(pressed(key('?')), { command: 'help' });
    assert.equal(pressed(key('z', { ctrlKey: true })), null);
    assert.equal(pressed(key('Tab')), null);
});

await test('places: code points and units, with emoji, combining accents and beyond', async () => {
    const { Places } = await load('places.ts');
    const text = '😀a e\u0301 👩‍🔬 𝕏z', p = new Places(text), points = [...text];
    for (let i = 0, unit = 0; i <= points.length; unit += points[i]?.length ?? 0, i++) {
        assert.equal(p.toPoint(unit), i, `unit ${unit}`);
        assert.equal(p.toUnit(i), unit, `point ${i}`);
    }
    assert.equal(p.toPoint(1), 1); // inside a pair
    assert.equal(p.slice({ start: 0, end: 2 }), '😀a');
    assert.equal(p.slice({ start: points.length - 2, end: points.length }), '𝕏z');
});

await test('words: whole ones, an emoji of many code points is one, and without Intl.Segmenter too', async () => {
    const { tokensOf, snap, tokenAt } = await load('places.ts');
    const text = "Zoë's 1,843 e\u0301clairs, 日本!", words = (t) => t.map((x) => text.slice(x.from, x.to));
    const tokens = tokensOf(text);
    assert.deepEqual(words(tokens).slice(0, 3), ["Zoë's", '1,843', 'e\u0301clairs']);
    assert.deepEqual(words([snap(tokens, { from: 2, to: 8 })]), ["Zoë's 1,843"]);
    assert.equal(snap(tokens, { from: 5, to: 6 }), null); // white space alone
    assert.equal(tokenAt(tokens, text.length), tokens.length);
    assert.equal(tokensOf('a 👩‍🔬 b').length, 3);
    const { Segmenter } = Intl;
    delete Intl.Segmenter;
    assert.deepEqual(words(tokensOf(text)).slice(-4), ['e\u0301clairs', ',', '日本', '!']);
    Intl.Segmenter = Segmenter;
});

await test('lanes: regions that overlap stand apart, and pieces know what is over them', async () => {
    const { Places, lanesOf, piecesOf } = await load('places.ts'), { inOrder } = await load('answer.ts');
    const span = (start, end, label) => ({ start, end, label });
    const spans = inOrder([span(4, 6, 'b'), span(0, 6, 'a'), span(5, 9, 'c'), span(6, 8, 'd'), span(4, 6, 'b')]);
    assert.deepEqual(spans.map((s) => s.label), ['a', 'b', 'c', 'd']);
    assert.deepEqual(lanesOf(spans).map((l) => l.lane), [0, 1, 2, 0]);
    const pieces = piecesOf(new Places('0123456789'), lanesOf(spans));
    assert.deepEqual(pieces.map((p) => [p.from, p.to, p.over.map((l) => l.span.label).join(''), p.ends.map((l) => l.span.label).join('')]),
        [[0, 4, 'a', ''], [4, 5, 'ab', ''], [5, 6, 'abc', 'ba'], [6, 8, 'cd', 'd'], [8, 9, 'c', 'c'], [9, 10, '', '']]);
});

await test('keys of the other forms: labels have keys of their own, and Backspace does not take an answer back where it removes a region', async () => {
    const k = await load('keys.ts');
    for (const form of ['labels', 'spans']) {
        const given = Array.from({ length: 60 }, (_, i) => k.labelKey(i, form)).filter((x) => x !== null);
        for (const c of k.commandsOf(form)) for (const x of c.keys) assert.ok(!given.includes(x), x);
        assert.equal(new Set(k.commandsOf(form).map((c) => c.name)).size, k.commandsOf(form).length);
    }
    assert.deepEqual(k.pressed(key('Backspace'), 'spans'), { command: 'remove' });
    assert.deepEqual(k.pressed(key('Backspace'), 'labels'), { command: 'undo' });
    assert.deepEqual(k.pressed(key('x'), 'label'), { label: k.pressed(key('x')).label });
});

await test('the last hour has 60 minutes, those the server leaves out too', async () => {
    const { perMinute } = await load('parts/plot.tsx');
    const bars = perMinute([{ at: '2026-05-04T10:00:00Z', answers: 3 }, { at: '2026-05-04T10:59:00.5Z', answers: 5 }, { at: '2026-05-04T08:00:00Z', answers: 9 }], '2026-05-04T10:59:59.9Z');
    assert.equal(bars.length, 60);
    assert.deepEqual([bars[0].n, bars[59].n, bars.reduce((s, b) => s + b.n, 0)], [3, 5, 8]);
});

await test('times and numbers', async () => {
    const t = await load('text.ts'), now = Date.parse('2026-05-04T12:00:00Z');
    assert.equal(t.ago('2026-05-04T11:59:30Z', now), 'just now');
    assert.equal(t.ago('2026-05-04T11:18:00Z', now), '42 min ago');
    assert.match(t.ago('2026-05-02T11:00:00Z', now), /^May 2 \d\d:00$/);
    assert.equal(t.percent(0.874), '87 %');
    assert.deepEqual([0, 0.001, 0.997, 1].map((x) => t.percent(x)), ['0 %', '<1 %', '>99 %', '100 %']);
    assert.equal(t.percent(0.99972, 1), '>99.9 %');
    assert.equal(t.percent(null), '–');
    assert.equal(t.plural(1, 'answer'), '1 answer');
    assert.equal(t.plural(12000, 'answer'), '12,000 answers');
});

await test('client: responses whole, requests only what is required, files and streams by address', () => {
    const ref = (n) => ({ content: { 'application/json': { schema: { $ref: `#/components/schemas/${n}` } } } });
    const out = generate({
        servers: [{ url: '/v' }],
        components: { schemas: {
            kt_thing_row: { properties: { a: { type: ['string', 'null'] }, b: { type: 'array', items: { $ref: '#/components/schemas/kt_b' } }, c: { type: 'string', enum: ['x', 'y'] } } },
            kt_thing_request: { required: ['a'], properties: { a: { type: 'integer' }, b: { type: 'boolean' } } },
        } },
        paths: {
            '/things/{thing}:do': { post: { operationId: 'thing_do', summary: 's', requestBody: ref('kt_thing_request'), responses: { 201: ref('kt_thing_row') } } },
            '/file': { get: { operationId: 'file_get', summary: 's', responses: { 200: {} } } },
            '/watch': { get: { operationId: 'watch', summary: 's', responses: { 200: { content: { 'text/event-stream': {} } } } } },
            '/gone': { delete: { operationId: 'gone', summary: 's', responses: { 204: {} } } },
        },
    });
    for (const line of ['    a: string | null;', '    b: B[];', '    c: "x" | "y";', '    a: number;', '    b?: boolean;',
        "thing_do: (thing: Part, body: ThingRequest) => call<ThingRow>('POST', `/v/things/${part(thing)}:do`, body),",
        'file_get: () => `/v/file`,', 'watch: () => `/v/watch`,', "gone: () => call<void>('DELETE', `/v/gone`),"])
        assert.ok(out.includes(line), `${line}\nnot in\n${out}`);
});

await test('text can be read: 4.5 to 1 in both schemes', () => {
    const css = readFileSync('web/src/style/base.css', 'utf8');
    const [light, dark] = [...css.matchAll(/:root \{([^}]*)\}/g)].map((m) => Object.fromEntries([...m[1].matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map((x) => [x[1], x[2]])));
    const luminance = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((s, c, i) => s + c * [0.2126, 0.7152, 0.0722][i], 0);
    const contrast = (a, b) => (([x, y]) => (x + 0.05) / (y + 0.05))([luminance(a), luminance(b)].sort((x, y) => y - x));
    const pairs = [['ink', 'paper'], ['ink', 'panel'], ['ink', 'gold-wash'], ['soft', 'paper'], ['soft', 'panel'], ['gold', 'paper'], ['gold', 'gold-wash'], ['bad', 'paper'], ['bad', 'bad-wash'], ['good', 'paper'], ['paper', 'ink']];
    for (const scheme of [light, { ...light, ...dark }])
        for (const [text, ground] of pairs) assert.ok(contrast(scheme[text], scheme[ground]) >= 4.5, `${text} on ${ground}: ${contrast(scheme[text], scheme[ground]).toFixed(2)}`);
    for (const scheme of [light, { ...light, ...dark }]) // lines and frames, which are not text, 3 to 1
        for (let i = 0; i < 8; i++) for (const ground of ['paper', 'panel']) assert.ok(contrast(scheme[`hue${i}`], scheme[ground]) >= 3, `hue${i} on ${ground}`);
});

await test('what is served: small, and names no other place', () => {
    const out = mkdtempSync(join(tmpdir(), 'karat-dist-'));
    try {
        execFileSync('node', ['web/build.mjs', out]);
        const files = readdirSync(out).map((name) => [name, readFileSync(join(out, name))]);
        assert.deepEqual(files.map(([name]) => name).sort(), ['app.css', 'app.js', 'icon.svg', 'index.html']);
        const kb = files.reduce((sum, [, bytes]) => sum + gzipSync(bytes, { level: 9 }).length, 0) / 1024;
        console.log(`     ${kb.toFixed(1)} kB gzipped`);
        assert.ok(kb < 60, `${kb} kB gzipped`);
        const names = files.flatMap(([, bytes]) => bytes.toString().match(/https?:\/\/[\w.-]+/g) ?? []).filter((u) => u !== 'http://www.w3.org'); // XML namespaces
        assert.deepEqual(names, []);
        assert.doesNotMatch(readFileSync(join(out, 'index.html'), 'utf8'), /<style|<script(?![^>]* src=)| style=| on\w+=/); // the policy allows none inline
    } finally {
        rmSync(out, { recursive: true });
    }
});

process.exit(failed > 0 ? 1 : 0);
