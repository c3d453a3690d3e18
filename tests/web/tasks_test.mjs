// The desks of sets of labels and of regions, in a real browser over the real server: by keys alone and by mouse, places in code points
// (emoji, combining characters), overlapping regions, undo, a reload in the middle, the network cut, two people who differ and an
// expert who starts from one of their answers, a text of 100 kB. What is stored is read from the API and the log, not from the page.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ask, browser, check, failures, itemId, password, person, press as pressKey, run, serve, shots, signIn } from './kit.mjs';

const dir = mkdtempSync(join(tmpdir(), 'karat-tasks-')), at = join(dir, 'ws');
const people = { root: 'admin', ana: 'annotator', ben: 'annotator', eva: 'expert' };
const texts = {
    t0: 'Zoë met Ada Lovelace in Paris 😀 in 1843, and they left for Rome.',
    t1: 'The Bank of England is in London. e\u0301clair 👩‍🔬 Marie Curie', // a combining accent; one emoji of three code points
    t2: 'Ada and Zoë left Rome in 1843 and came back to Paris in 1990.',
    t3: '日本 and Paris 1999',
    t4: 'nobody here',
};
const long = { id: 'long', text: Array.from({ length: 1600 }, (_, i) => `Sentence ${i} tells of Ada Lovelace who went to Paris in 1843. ${i % 5 ? '' : '\n'}`).join('') };
const sets = Object.fromEntries(['The oven is too hot for bread', 'Chicken soup with eggs', 'A knife, a board, a pan', 'Is raw dough safe to eat?', 'Bread and eggs for breakfast'].map((t, i) => [`s${i}`, t]));

const shot = (page, name) => page.screenshot({ path: join(shots, `${name}.png`) });
const saved = (page) => page.waitForFunction(() => !Object.keys(localStorage).some((k) => k.startsWith('karat.unsent.')));
const lines = (o) => Object.entries(o).map(([id, text]) => `${JSON.stringify({ id, text })}\n`).join('');

function make(name, pipeline, items) {
    writeFileSync(join(dir, `${name}.jsonl`), items);
    writeFileSync(join(dir, `${name}.yaml`), `project: ${name}\nsources: [{path: ${name}.jsonl, fields: {id: id, text: text}}]\nreview: {overlap: 2, gold_share: 0}\n${pipeline}`);
    run(['init', at, '--pipeline', join(dir, `${name}.yaml`)]);
    run(['ingest', at, join(dir, `${name}.jsonl`), '--project', name, '--id', 'id']);
    run(['functions', at, '--project', name]); // what they come to is what people are shown
    run(['route', at, '--people', '--project', name]);
    for (const [who, role] of Object.entries(people)) {
        if (!known.has(who)) run(['user', 'add', at, who, '--role', role, '--project', name, '--password-file', '-'], `${password(who)}\n`);
        else run(['user', 'grant', at, who, '--role', role, '--project', name]);
        known.add(who);
    }
}

const known = new Set();
let server, token;
/** What people said of an item, as the server has it. */
async function votes(project, id) {
    const i = await ask(server.url, 'POST', `/projects/${project}/items:find`, { id }, token);
    return Object.fromEntries(i.votes.map((v) => [v.annotator, v.labels ?? v.spans?.map((s) => `${s.label} ${s.start}-${s.end}`) ?? v.label]));
}
const points = (text, words, from = 0) => {
    const at = text.indexOf(words, from), start = [...text.slice(0, at)].length;
    return `${start}-${start + [...words].length}`;
};
const tags = (p) => p.$$eval('.marking .tag', (t) => t.map((x) => x.childNodes[1].textContent));
const inHand = (p) => p.$eval('.marking .tag.in-hand', (t) => t.childNodes[1].textContent).catch(() => null);
const selected = (p) => p.evaluate(() => getSelection().toString());
const keys = async (p, ...list) => {
    for (const k of list) await p.keyboard.press(k);
};

/** The desk listens: a new item has taken the focus. Before that, Tab and Enter would be the browser's. */
const listens = (p) => p.waitForFunction(() => document.activeElement?.matches('article'));

/** Presses a key that answers, and waits for the item after; none: there is no other. */
async function press(p, key, none = false) {
    await pressKey(p, key);
    if (!none) await p.waitForSelector('.item .id');
}

/** Selects text by dragging the mouse over it, from inside one word to inside another. */
async function drag(p, from, to, held) {
    const place = (words, end) => p.evaluate(([w, last]) => {
        const nodes = [...document.querySelectorAll('.marking [data-at]')].map((e) => e.firstChild).filter(Boolean);
        for (const n of nodes) {
            const i = n.nodeValue.indexOf(w);
            if (i < 0) continue;
            const r = document.createRange();
            r.setStart(n, last ? i + w.length - 1 : i + 1);
            r.setEnd(n, last ? i + w.length : i + 2);
            const b = r.getBoundingClientRect();
            return [b.left + 1, b.top + b.height / 2];
        }
        throw new Error(`not there: ${w}`);
    }, [words, end]);
    const a = await place(from, false), b = await place(to, true);
    if (held) await p.keyboard.down(held);
    await p.mouse.move(...a);
    await p.mouse.down();
    await p.mouse.move(...b, { steps: 4 });
    await p.mouse.up();
    if (held) await p.keyboard.up(held);
}

async function setsByKeys(ana) {
    const p = ana.page;
    await p.goto(`${server.url}/projects/1/annotate`);
    await p.waitForSelector('article.text');
    await listens(p);
    check('sets: what the machine says is on at the start', (await p.$$eval('.label.on .name', (l) => l.map((x) => x.textContent))).join() === 'baking', await itemId(p));
    check('sets: buttons say whether they are pressed', (await p.$$eval('.label', (l) => l.map((x) => x.getAttribute('aria-pressed')))).join() === 'true,false,false,false,false');
    await keys(p, '4', '2', '4'); // on, on, off
    check('sets: what Enter does is said', /Submit 2 labels/.test(await p.textContent('.submit')), await p.textContent('.submit'));
    await shot(p, 'sets');
    await press(p, 'Enter');
    check('sets: one of several labels', true);
    await press(p, 'Enter'); // s1: as suggested
    await keys(p, '3');
    await p.reload();
    await p.waitForSelector('.label.on');
    check('sets: a reload keeps what was chosen', (await p.$$eval('.label.on .name', (l) => l.map((x) => x.textContent))).join() === 'tools');
    await keys(p, 'x');
    check('sets: none is an answer, and says so', /None of them/.test(await p.textContent('.submit')), await p.textContent('.submit'));
    await press(p, 'Enter');
    await keys(p, 'z');
    await p.waitForFunction(() => document.querySelector('.item .id').textContent === 's2');
    check('sets: undo shows none again', (await p.locator('.label.on').count()) === 0);
    await press(p, 'Enter');
    await saved(p);
    check('sets: stored as chosen', JSON.stringify([(await votes(1, 's0')).ana, (await votes(1, 's1')).ana, (await votes(1, 's2')).ana]) === JSON.stringify([['baking', 'chicken'], ['chicken', 'eggs'], []]),
        [await votes(1, 's0'), await votes(1, 's1'), await votes(1, 's2')]);
    ana.expect('ERR_INTERNET_DISCONNECTED');
    await ana.context.setOffline(true);
    await keys(p, '4');
    await press(p, 'Enter'); // s3; s4 is there already
    await p.waitForSelector('.saved .trouble');
    await ana.context.setOffline(false);
    await saved(p);
    check('sets: an answer given without network arrives whole', JSON.stringify((await votes(1, 's3')).ana) === JSON.stringify(['baking', 'safety']), await votes(1, 's3'));
}

async function spansByKeys(ana) {
    const p = ana.page;
    await p.goto(`${server.url}/projects/2/annotate`);
    await p.waitForSelector('article.marking');
    await listens(p);
    check('spans: the machine’s regions are there', (await tags(p)).join() === 'person,person,place,date,place', await tags(p));
    await shot(p, 'spans');
    await keys(p, 'ArrowRight', 'ArrowRight');
    check('spans: arrow keys go from word to word', (await selected(p)) === 'met', await selected(p));
    await keys(p, 'Tab', 'Tab');
    check('spans: Tab goes from region to region', (await inHand(p)) === 'place' && (await selected(p)) === 'Paris', [await inHand(p), await selected(p)]);
    await keys(p, 'Shift+Tab', 'x');
    check('spans: x removes the one in hand', (await tags(p)).join() === 'person,place,date,place', await tags(p));
    await keys(p, 'Shift+ArrowRight');
    check('spans: Shift selects on from there', (await selected(p)) === 'Ada Lovelace in', await selected(p));
    await keys(p, 'Shift+ArrowLeft', '3');
    await keys(p, '1');
    check('spans: a label’s key marks, another one changes it', (await tags(p)).join() === 'person,person,place,date,place' && (await selected(p)) === 'Ada Lovelace', [await tags(p), await selected(p)]);
    await keys(p, 'Escape', 'Home');
    await keys(p, 'ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowRight');
    check('spans: an emoji is one word', (await selected(p)) === '😀', await selected(p));
    await keys(p, '2');
    await keys(p, 'Escape', 'End', 'ArrowLeft');
    check('spans: End goes to the last word', (await selected(p)) === 'Rome', await selected(p));
    await press(p, 'Enter');
    await saved(p);
    const t = texts.t0, want = ['person', 'Zoë', 'person', 'Ada Lovelace', 'place', 'Paris', 'place', '😀', 'date', '1843', 'place', 'Rome'];
    const expected = want.flatMap((x, i) => (i % 2 ? [] : [`${x} ${points(t, want[i + 1])}`]));
    check('spans: stored in code points', (await votes(2, 't0')).ana.join() === expected.join(), [await votes(2, 't0'), expected]);
    await keys(p, 'z');
    await p.waitForFunction(() => document.querySelector('.item .id').textContent === 't0');
    check('spans: undo brings them back', (await tags(p)).length === 6 && (await p.locator('.regions li').count()) === 6, await tags(p));
    await press(p, 'Enter');
    await saved(p);
}

async function spansByMouse(ana) {
    const p = ana.page, t = texts.t1;
    check('spans: the next item', (await itemId(p)) === 't1');
    await drag(p, 'Bank', 'England');
    check('spans: the mouse selects whole words', (await selected(p)) === 'Bank of England', await selected(p));
    await p.click('.label:has-text("org")');
    await drag(p, 'England', 'England');
    await p.click('.label:has-text("place")');
    check('spans: a region inside another', (await tags(p)).filter((x) => x === 'org' || x === 'place').join() === 'place,org,place' || (await tags(p)).includes('org'), await tags(p));
    await drag(p, 'e\u0301clair', 'Curie');
    await keys(p, '5');
    await drag(p, 'London', 'London', 'Alt');
    check('spans: with Alt, single characters', (await selected(p)) !== 'London' && 'London'.includes(await selected(p)) && (await selected(p)).length > 1, await selected(p));
    await keys(p, 'Escape');
    await shot(p, 'spans-overlap');
    await p.locator('.marking [data-at]', { hasText: 'Bank of' }).first().click({ position: { x: 6, y: 8 } });
    check('spans: a click on a region takes it', (await inHand(p)) === 'org', await inHand(p));
    await keys(p, 'Escape');
    await press(p, 'Enter');
    await saved(p);
    const said = (await votes(2, 't1')).ana;
    for (const [label, words, from] of [['org', 'Bank of England', 0], ['place', 'England', 0], ['thing', 'e\u0301clair 👩‍🔬 Marie Curie', 0]])
        check(`spans: ${label} by mouse, in code points`, said.includes(`${label} ${points(t, words, from)}`), [said, points(t, words, from)]);
    await press(p, 'Enter'); // t2 as suggested
    await p.reload();
    await p.waitForSelector('article.marking');
    await keys(p, 'ArrowRight', '5');
    await p.reload();
    await p.waitForSelector('.tag');
    check('spans: a reload keeps what was marked', (await tags(p)).includes('thing'), await tags(p));
    ana.expect('ERR_INTERNET_DISCONNECTED');
    await ana.context.setOffline(true);
    await press(p, 'Enter'); // t3
    await p.waitForSelector('.saved .trouble');
    await ana.context.setOffline(false);
    await saved(p);
    check('spans: an answer given without network arrives whole', (await votes(2, 't3')).ana?.includes('thing 0-2'), await votes(2, 't3'));
    await press(p, 'Enter'); // t4: nothing is marked there
    await saved(p);
    check('spans: no region is an answer', JSON.stringify((await votes(2, 't4')).ana) === '[]', await votes(2, 't4'));
}

/** 100 kB with thousands of regions: how long a key takes until the page has drawn again. */
async function longText(ana) {
    const p = ana.page;
    check('the long text is there', (await itemId(p)) === 'long');
    const took = (key) => p.evaluate(async (k) => {
        const began = performance.now();
        document.querySelector('article.marking').dispatchEvent(new KeyboardEvent('keydown', { key: k, bubbles: true }));
        await new Promise((r) => requestAnimationFrame(() => setTimeout(r)));
        return performance.now() - began;
    }, key);
    await took('ArrowRight');
    const move = [], mark = [];
    for (let i = 0; i < 5; i++) move.push(await took('ArrowRight'));
    for (let i = 0; i < 3; i++) {
        mark.push(await took('5'));
        await took('ArrowRight');
        await took('ArrowRight');
    }
    const mid = (v) => v.sort((a, b) => a - b)[v.length >> 1];
    console.log(`     ${long.text.length} characters, ${(await tags(p)).length} regions: a move ${mid(move).toFixed(0)} ms, a mark ${mid(mark).toFixed(0)} ms`);
    check('a text of 100 kB with thousands of regions stays usable', mid(move) < 500 && mid(mark) < 3000, [move, mark]); // generous: a busy machine is no fault
    await press(p, 'Enter', true); // the last one
    await saved(p);
}

/** ben differs; eva starts from one of the answers. */
async function deciding(b) {
    const ben = await person(b, server.url);
    await signIn(ben.page, server.url, 'ben');
    await ben.page.waitForSelector('.projects');
    for (const [project, wait] of [[2, 'article.marking'], [1, '.labels']]) {
        await ben.page.goto(`${server.url}/projects/${project}/annotate`);
        await ben.page.waitForSelector(wait);
        await listens(ben.page);
        await keys(ben.page, ...(project === 2 ? ['Tab', 'x'] : ['1', '3']));
        await press(ben.page, 'Enter');
        await saved(ben.page);
    }
    const item = await ask(server.url, 'POST', '/projects/2/items:find', { id: 't0' }, token);
    check('two answers that differ in part are a dispute', item.state === 'dispute' && item.spans === null && item.votes.length === 2, item);
    check('ben: no page did what none may', ben.complaints.length === 0, ben.complaints);
    await ben.context.close();
    const eva = await person(b, server.url), p = eva.page;
    await signIn(p, server.url, 'eva');
    await p.waitForSelector('.projects');
    await p.goto(`${server.url}/projects/2/items/0`);
    await p.waitForSelector('.votes');
    check('its page shows both, and what differs', (await p.locator('.votes .alone').count()) > 0);
    await p.screenshot({ path: join(shots, 'spans-item.png'), fullPage: true });
    await p.goto(`${server.url}/projects/2/decide`);
    await p.waitForSelector('.votes');
    await listens(p);
    await keys(p, 'v', 'v');
    check('v starts from the next answer', (await tags(p)).length === 4 && /ben/.test(await p.textContent('.said')), await tags(p));
    await p.click('.votes li:has-text("ana") .borrow');
    check('so does its button', (await tags(p)).length === 6, await tags(p));
    await shot(p, 'spans-decide');
    await keys(p, 'Tab', '5');
    const id = await itemId(p);
    await press(p, 'Enter', true);
    await saved(p);
    const done = await ask(server.url, 'POST', '/projects/2/items:find', { id }, token);
    check('the expert decides', done.state === 'adjudicated' && done.spans.length === 6 && done.spans[0].label === 'thing', done);
    await p.goto(`${server.url}/projects/1/decide`);
    await p.waitForSelector('.votes');
    await listens(p);
    check('sets: how the labels stand', (await p.locator('.label .tally').count()) > 1);
    await shot(p, 'sets-decide');
    check('eva: no page did what none may', eva.complaints.length === 0, eva.complaints);
    await eva.context.close();
}

/** The managers' pages: what functions that mark do, and an export. */
async function managing(b) {
    const root = await person(b, server.url), p = root.page;
    await signIn(p, server.url, 'root');
    await p.waitForSelector('.projects');
    await p.goto(`${server.url}/projects/2/functions`);
    await p.waitForSelector('table');
    check('functions that mark, in figures', (await p.locator('tbody tr').count()) === 3 && /mark .*% of 6 items/.test(await p.textContent('main')), await p.textContent('main'));
    await shot(p, 'functions-marks');
    await p.goto(`${server.url}/projects/2/progress`);
    await p.click('text=Export labels');
    const [d] = await Promise.all([p.waitForEvent('download'), p.click('.files a:has-text("labels.jsonl")')]);
    const rows = readFileSync(await d.path(), 'utf8').trim().split('\n').map((l) => JSON.parse(l)), at = rows.find((r) => r.id === 't0');
    check('the export holds the expert’s regions', at?.method === 'adjudicated' && at.spans.length === 6 && at.spans[0].label === 'thing', at);
    check('root: no page did what none may', root.complaints.length === 0, root.complaints);
    await root.context.close();
}

async function looks(b) {
    for (const [name, options] of [['dark', { colorScheme: 'dark' }], ['phone', { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true }], ['phone-dark', { colorScheme: 'dark', viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true }]]) {
        const ben = await person(b, server.url, options), p = ben.page;
        await signIn(p, server.url, 'ben');
        await p.waitForSelector('.projects');
        await p.goto(`${server.url}/projects/2/annotate`);
        await p.waitForSelector('article.marking');
        await listens(p);
        await keys(p, 'Tab', 'Tab');
        await shot(p, `spans-${name}`);
        await p.goto(`${server.url}/projects/1/annotate`);
        await p.waitForSelector('.labels');
        await listens(p);
        await shot(p, `sets-${name}`);
        check(`${name}: no page did what none may`, ben.complaints.length === 0, ben.complaints);
        await ben.context.close();
    }
}

async function main() {
    make('cooking', `task: multi-label\nlabels: [baking, chicken, tools, safety]
functions:\n  - {name: b, label: baking, any: [bread, dough]}\n  - {name: c, label: chicken, any: [chicken]}\n  - {name: e, label: tools, any: [nothing]}\n`.replace('[baking, chicken, tools, safety]', '[baking, chicken, tools, safety, eggs]').replace('  - {name: e', '  - {name: g, label: eggs, any: [eggs]}\n  - {name: e'), lines(sets));
    make('news', `task: spans\nguidelines: Mark persons, places, dates, organizations.\nlabels: [person, place, date, org, thing]
functions:\n  - {name: n, label: person, any: [Zoë, Ada Lovelace, Ada, Marie Curie]}\n  - {name: p, label: place, any: [Paris, Rome, London]}\n  - {name: d, label: date, regex: '\\b(?:18|19)\\d\\d\\b'}\n`, lines(texts) + `${JSON.stringify(long)}\n`);
    server = await serve(at);
    token = (await ask(server.url, 'POST', '/session', { name: 'root', password: password('root') })).token;
    const b = await browser();
    try {
        const ana = await person(b, server.url);
        await signIn(ana.page, server.url, 'ana');
        await ana.page.waitForSelector('.projects');
        await setsByKeys(ana);
        await spansByKeys(ana);
        await spansByMouse(ana);
        await longText(ana);
        check('ana: no page did what none may', ana.complaints.length === 0, ana.complaints);
        await deciding(b);
        await managing(b);
        await looks(b);
    } finally {
        await b.close();
        await server.stop();
    }
    const verified = run(['audit', 'verify', at]);
    check('the log verifies', /all hold/.test(verified), verified);
}

try {
    await main();
} finally {
    rmSync(dir, { recursive: true, force: true });
}
process.exit(failures() > 0 ? 1 : 0);
