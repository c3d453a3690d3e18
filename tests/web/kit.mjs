// What a test of the pages needs: checks, a workspace made by the real program, its server, and a real browser that tells on
// pages: console errors, faults, requests that leave the origin.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from '../../web/node_modules/playwright-core/index.mjs';

const karat = process.env.KARAT ?? 'build/karat', root = process.env.KARAT_SOURCE_ROOT ?? process.cwd();
export const shots = join(process.env.KARAT_SHOTS ?? tmpdir(), 'studio-shots');
mkdirSync(shots, { recursive: true });

let failed = 0;
export function check(name, ok, detail = '') {
    if (!ok) failed++;
    console.log(`${ok ? 'ok  ' : 'FAIL'} ${name}${ok ? '' : `\n     ${typeof detail === 'string' ? detail : JSON.stringify(detail)}`}`);
}
export const failures = () => failed;

/** Runs karat; its output. Anything but exit code 0 ends the test. */
export function run(args, input = '') {
    const r = spawnSync(karat, args, { input, encoding: 'utf8', timeout: 120_000 });
    if (r.status !== 0) throw new Error(`karat ${args.join(' ')}: exit ${r.status}\n${r.stdout}${r.stderr}`);
    return r.stdout;
}

/** The quickstart's items in a project that waits for real people: few of them, two answers each. */
export function workspace() {
    const dir = mkdtempSync(join(tmpdir(), 'karat-web-')), source = join(root, 'examples/quickstart');
    const pipeline = readFileSync(join(source, 'karat.yaml'), 'utf8')
        .replace(/^simulate:.*\n/m, '')
        .replace(/active_learning: .*/, 'active_learning: {strategy: margin, start: 30, batch: 10, rounds: 0}')
        .replace(/trusted: \d+/, 'trusted: 12')
        .replace(/overlap: \d/, 'overlap: 2').replace(/gold_share: [\d.]+/, 'gold_share: 0');
    writeFileSync(join(dir, 'karat.yaml'), pipeline);
    writeFileSync(join(dir, 'items.jsonl'), readFileSync(join(source, 'items.jsonl')));
    const truth = new Map(readFileSync(join(source, 'items.jsonl'), 'utf8').trim().split('\n').map((l) => JSON.parse(l)).map((r) => [r.id, r.topic]));
    return { dir, at: join(dir, 'shop'), pipeline: join(dir, 'karat.yaml'), truth, done: () => rmSync(dir, { recursive: true, force: true }) };
}

export const password = (name) => `${name}'s own password`;

/** karat serve; resolves to { url, stop } once it listens. */
export function serve(at) {
    const child = spawn(karat, ['serve', at, '--listen', '127.0.0.1', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const ended = new Promise((resolve) => child.on('exit', resolve));
    const stop = () => {
        child.kill('SIGINT');
        return ended;
    };
    return new Promise((resolve, reject) => {
        let out = '';
        ended.then((code) => reject(new Error(`karat serve ended with ${code}: ${out}`)));
        child.stdout.on('data', (bytes) => {
            out += bytes;
            const url = /listening on (http:\S+)/.exec(out)?.[1];
            if (url) resolve({ url, stop });
        });
    });
}

/** A request beside the browser, as programs make them. */
export async function ask(url, method, path, body, token) {
    const headers = { 'Content-Type': 'application/json', ...(token ? { Authorization: `Bearer ${token}` } : {}) };
    const r = await fetch(`${url}/api/v1${path}`, { method, headers, ...(method === 'GET' ? {} : { body: JSON.stringify(body ?? {}) }) });
    return r.json();
}

export async function browser() {
    const args = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];
    return chromium.launch({ executablePath: '/usr/bin/chromium', args });
}

/** A person at a browser of their own. `complaints` gathers what no page may do; expect() names what a test provokes. */
export async function person(b, url, options = {}) {
    const context = await b.newContext({ viewport: { width: 1280, height: 800 }, acceptDownloads: true, ...options });
    const complaints = [], expected = [];
    context.on('request', (r) => {
        if (new URL(r.url()).origin !== url && !r.url().startsWith('blob:')) complaints.push(`left the origin: ${r.url()}`);
    });
    const open = async () => {
        const page = await context.newPage();
        page.setDefaultTimeout(15_000);
        page.on('pageerror', (e) => complaints.push(`fault: ${e.message}`));
        page.on('console', (m) => {
            if (m.type() !== 'error' && m.type() !== 'warning') return;
            if (!expected.some((e) => m.text().includes(e))) complaints.push(`${m.type()}: ${m.text()} (${m.location().url})`);
        });
        return page;
    };
    return { context, complaints, open, page: await open(), expect: (text) => expected.push(text) };
}

export async function signIn(page, url, name) {
    await page.goto(url);
    await page.fill('#name', name);
    await page.fill('#password', password(name));
    await page.keyboard.press('Enter');
}

/** What stands on a desk: the item's external id, and its text. */
export const itemId = (page) => page.textContent('.item .id');
export const itemText = (page) => page.textContent('article.text');

/** Presses a key that answers, and waits until another item (or none) is shown. */
export async function press(page, key) {
    const before = await itemId(page);
    await page.keyboard.press(key);
    await page.waitForFunction((id) => document.querySelector('.item .id')?.textContent !== id, before);
    return before;
}

/** Measures, in the page, from each key down to the frame that shows another item. */
export async function watchSpeed(page) {
    await page.evaluate(() => {
        window.took = [];
        addEventListener('keydown', () => {
            const began = performance.now(), shown = document.querySelector('.item .id')?.textContent;
            let frames = 0;
            const look = () => {
                if (document.querySelector('.item .id')?.textContent !== shown) window.took.push(performance.now() - began);
                else if (frames++ < 60) requestAnimationFrame(look);
            };
            requestAnimationFrame(look);
        }, true);
    });
}
