// typing.mjs [N]: ten rules written in the browser over N texts (1,000,000 unless said), key by key. Times from the last key of each to the first
// answer on the page, to the exact one, and from Ctrl+Enter until the rule has run over everything and stands in the table.
// KARAT=build/karat node bench/typing.mjs
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { browser, password, person, run, serve, signIn } from '../tests/web/kit.mjs';

const n = Number(process.argv[2] ?? 1_000_000), here = dirname(fileURLToPath(import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'karat-typing-')), data = join(dirname(process.env.KARAT ?? 'build/karat'), `bench/labeled-${n}.jsonl`);
const python = (...args) => {
    const r = spawnSync('python3', args, { encoding: 'utf8', maxBuffer: 1 << 26 });
    if (r.status !== 0) throw new Error(r.stderr);
    return r.stdout;
};
if (!existsSync(data)) python(join(here, 'make_texts.py'), String(n), data, '--labeled');
const told = JSON.parse(python('-c', `import sys, json; sys.path.insert(0, ${JSON.stringify(here)}); import make_texts as m; print(json.dumps([m.TOPICS, [[t, w] for _, t, w in m.rules_of()]]))`));
const [topics, ready] = told;
const rules = [...ready.map(([label, words]) => ({ label, body: `any: [${words.join(', ')}]` })),
    { label: topics[0], body: "regex: '(?i)\\bre\\w+ing\\b'" }, { label: topics[1], body: 'max_chars: 80' }];

const median = (v) => [...v].sort((a, b) => a - b)[v.length >> 1];
const ms = (v) => `${Math.round(median(v))} ms (largest ${Math.round(Math.max(...v))})`;
/** The whole rule's answer has come, and is on the page. */
const answered = async (page, body, exact) => {
    const r = await page.waitForResponse((x) => x.url().endsWith('functions:try') && x.status() === 200 && x.request().postDataJSON().rule.endsWith(body) && x.request().postDataJSON().exact === exact);
    const { votes } = await r.json(), shown = exact ? votes.toLocaleString('en') : 'random items';
    await page.waitForFunction((t) => document.querySelector('.coverage .figures dd')?.textContent.includes(t), shown);
};
const at = join(dir, 'w');
writeFileSync(join(dir, 'karat.yaml'), `project: typing\nlabels: [${topics.join(', ')}]\nsources: [{path: ${data}, fields: {id: id, text: text, group: customer}}]\n`);
let server, b;
try {
    run(['init', at, '--pipeline', join(dir, 'karat.yaml')]);
    run(['ingest', at, data, '--id', 'id', '--group', 'customer']);
    run(['dedup', at]);
    run(['user', 'add', at, 'mia', '--role', 'manager', '--password-file', '-'], `${password('mia')}\n`);
    server = await serve(at);
    b = await browser();
    const { page } = await person(b, server.url);
    page.setDefaultTimeout(60_000);
    await signIn(page, server.url, 'mia');
    await page.waitForSelector('nav >> text=Functions');
    await page.click('nav >> text=Functions');
    const first = [], exact = [], kept = [];
    for (const r of rules) {
        await page.selectOption('#label', r.label);
        await page.focus('#rule');
        await page.keyboard.type(r.body, { delay: 40 });
        const from = performance.now();
        await Promise.all([answered(page, r.body, false).then(() => first.push(performance.now() - from)), answered(page, r.body, true).then(() => exact.push(performance.now() - from))]);
        const keep = performance.now();
        await page.keyboard.press('Control+Enter');
        await page.waitForFunction(() => document.querySelector('#rule').value === '', null, { timeout: 120_000 });
        kept.push(performance.now() - keep);
        await page.waitForFunction(() => !document.querySelector('.coverage'));
    }
    console.log(`| ten rules typed in the browser over ${n.toLocaleString('en')} texts: from the last key to the first answer; to the exact one; kept, run over all of them and in the table (\`node bench/typing.mjs\`) | ${ms(first)}; ${ms(exact)}; ${ms(kept)} | aim: first under 1 s | |`);
} finally {
    if (b) await b.close();
    if (server) await server.stop();
    rmSync(dir, { recursive: true, force: true });
}
