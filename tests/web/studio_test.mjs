// The pages in a real browser over the real server: sign in, label by keyboard, undo, skip, flag, comment, the network cut in
// the middle, a page that dies with an answer on its way, a dispute, its adjudication, the manager's page that shows it as it
// happens, and the export that holds it. Then the trusted sample, answered blind, and suggestions, accepted with Enter.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, browser, check, failures, itemId, itemText, password, person, press, run, serve, shots, signIn, watchSpeed, workspace } from './kit.mjs';

const labels = ['order', 'repair', 'return', 'advice', 'praise'];
const keyOf = (label) => String(labels.indexOf(label) + 1);
const other = (label, by = 1) => labels[(labels.indexOf(label) + by) % labels.length];
const people = { root: 'admin', ana: 'annotator', ben: 'annotator', eva: 'expert', mo: 'manager' };

const w = workspace(), answers = new Map(); // answers: what ana said, by item
let server, b, speed = [];

const shot = (page, name) => page.screenshot({ path: join(shots, `${name}.png`) });
const answered = async (page) => Number((await page.textContent('.mine b')).replace(/\D/g, ''));
/** Waits until the server has everything the page has said. */
const saved = (page) => page.waitForFunction(() => !Object.keys(localStorage).some((k) => k.startsWith('karat.unsent.')));

async function signing(ana) {
    const p = ana.page;
    ana.expect('401');
    await p.goto(server.url);
    check('the name field has the focus', await p.evaluate(() => document.activeElement?.id) === 'name');
    await p.fill('#name', 'ana');
    await p.fill('#password', 'not the password');
    await p.keyboard.press('Enter');
    await p.waitForSelector('.error:not(:empty)');
    check('a wrong password is said plainly', /Name or password is wrong/.test(await p.textContent('.error')));
    check('and the password is ready to be typed again', await p.evaluate(() => document.activeElement?.id) === 'password');
    await shot(p, 'wrong-password');
    await p.keyboard.type(password('ana'));
    await p.keyboard.press('Enter');
    await p.waitForSelector('article.text');
    check('one project, one desk: there at once', new URL(p.url()).pathname.endsWith('/annotate'), p.url());
    check('the text has the focus', await p.evaluate(() => document.activeElement?.tagName) === 'ARTICLE');
    check('the guidelines are shown', (await p.textContent('.guidelines')).includes('what the customer wants'));
    await shot(p, 'annotate');
}

/** Labels n items as the truth has it. */
async function label(page, n) {
    for (let i = 0; i < n; i++) {
        const id = await itemId(page), truth = w.truth.get(id);
        answers.set(id, truth);
        await press(page, keyOf(truth));
    }
}

async function labeling(ana) {
    const p = ana.page;
    await watchSpeed(p);
    await label(p, 5);
    const last = [...answers.keys()].pop(), next = await itemId(p);
    await p.keyboard.press('z');
    await p.waitForSelector('.label.previous');
    check('undo brings the last item back', await itemId(p) === last);
    check('and marks what was said', (await p.textContent('.label.previous .name')) === answers.get(last));
    answers.set(last, other(answers.get(last))); // a change of mind
    await press(p, keyOf(answers.get(last)));
    check('then the item from before is there again', await itemId(p) === next);

    const skipped = await press(p, 's');
    check('a skipped item goes', await itemId(p) !== skipped);
    await p.keyboard.press('f');
    await p.waitForSelector('.item .flagged');
    await p.keyboard.press('c');
    await p.keyboard.type('1 wish or 2?'); // label keys are letters here
    await p.keyboard.press('Enter');
    check('typing a comment answers nothing', await p.inputValue('.comment textarea') === '1 wish or 2?');
    await label(p, 1);
    await p.waitForFunction(() => document.querySelector('.comment textarea').value === '');
    check('the next item has neither flag nor comment', await p.isHidden('.item .flagged'));
    await p.keyboard.press('?');
    await p.waitForSelector('dialog[open]');
    await p.keyboard.press('1');
    await shot(p, 'help');
    await p.keyboard.press('Escape');
    await p.waitForSelector('dialog:not([open])', { state: 'attached' });
    await saved(p);
    check('keys pressed over the help answer nothing', await answered(p) === answers.size, [await answered(p), answers.size]);

    speed = await p.evaluate(() => window.took.sort((x, y) => x - y));
    const before = await itemId(p), text = await itemText(p);
    await p.reload();
    await p.waitForSelector('article.text');
    check('a reload shows the same item', await itemId(p) === before && await itemText(p) === text);
    return skipped;
}

async function cutting(ana) {
    const p = ana.page;
    ana.expect('ERR_INTERNET_DISCONNECTED');
    await ana.context.setOffline(true);
    await label(p, 2); // the one shown and the one loaded ahead
    await p.waitForSelector('.saved .trouble');
    check('without network it says what is not saved', /2 answers not saved yet/.test(await p.textContent('.saved')), await p.textContent('.saved'));
    await shot(p, 'offline');
    await ana.context.setOffline(false);
    await saved(p);
    await p.waitForSelector('article.text');
    check('with network again all is saved', await answered(p) === answers.size && await p.isHidden('.saved .trouble'), [await answered(p), answers.size]);

    // The request leaves, the page dies before the answer: the next page sends it again, and it counts once.
    ana.expect('ERR_FAILED');
    await p.route('**/annotations', async (route) => {
        await route.fetch();
        await route.abort();
    });
    await label(p, 1);
    await p.waitForSelector('.saved .trouble');
    await p.close({ runBeforeUnload: false });
    const q = (ana.page = await ana.open());
    await q.goto(server.url);
    await q.waitForSelector('article.text');
    await saved(q);
    check('an answer outlives its page and counts once', await answered(q) === answers.size, [await answered(q), answers.size]);
    await label(q, 20 - answers.size);
    await saved(q);
    check('20 items are labeled', answers.size === 20 && await answered(q) === 20);
}

/** The same person answers the same item elsewhere first; then their session ends with an answer on its way. */
async function interrupting(ana) {
    const p = ana.page, id = await itemId(p), before = await answered(p);
    ana.expect('409');
    const { token } = await ask(server.url, 'POST', '/session', { name: 'ana', password: password('ana') });
    const { tasks } = await ask(server.url, 'POST', '/projects/1/queue:next', { desk: 'annotator', want: 1 }, token);
    const task = tasks.find((t) => t.id === id);
    await ask(server.url, 'POST', '/projects/1/annotations', { desk: 'annotator', token: task.token, item: task.item, label: w.truth.get(id), client_id: 'elsewhere-1' }, token);
    await p.keyboard.press(keyOf(other(w.truth.get(id))));
    await p.waitForSelector('.said.trouble');
    check('an answer refused is said, by name', (await p.textContent('.said')).includes(id), await p.textContent('.said'));
    await p.waitForSelector('article.text');
    await saved(p);
    check('and the one from elsewhere counts', await itemId(p) !== id);
    await shot(p, 'refused');

    await ana.context.clearCookies();
    await p.keyboard.press(keyOf(w.truth.get(await itemId(p))));
    await p.waitForSelector('#password');
    check('an ended session says so, and what waits', /session ended.*1 answer not yet saved/s.test(await p.textContent('.signin')), await p.textContent('.signin'));
    await shot(p, 'session-ended');
    await p.fill('#name', 'ana');
    await p.fill('#password', password('ana'));
    await p.keyboard.press('Enter');
    await p.waitForSelector('article.text');
    await saved(p);
    check('after signing in again it is saved', await answered(p) === before + 2, [await answered(p), before]);
}

/** ben sees the same items and disagrees about three of them. */
async function disputing(ben, skipped) {
    const p = ben.page, disputed = new Map();
    await signIn(p, server.url, 'ben');
    await p.waitForSelector('article.text');
    for (let met = 0; met < answers.size; ) {
        const id = await itemId(p), said = answers.get(id);
        const mine = said === undefined ? w.truth.get(id) : disputed.size < 3 && met % 4 === 1 ? other(said, 2) : said;
        if (said !== undefined) met++;
        if (said !== undefined && mine !== said) disputed.set(id, { ana: said, ben: mine });
        if (id === skipped) check('what ana skipped is offered to ben', true);
        await press(p, keyOf(mine));
    }
    await saved(p);
    return disputed;
}

async function deciding(eva, mo, disputed) {
    const m = mo.page, p = eva.page;
    await signIn(m, server.url, 'mo');
    await m.waitForSelector('.live.on');
    const figure = (name) => m.textContent(`.figure:has(dt:text-is("${name}")) dd`);
    check('the manager sees the disputes', await figure('Disputes open') === '3', await figure('Disputes open'));
    await shot(m, 'progress-before');

    await signIn(p, server.url, 'eva');
    await p.waitForSelector('.votes');
    check('the expert comes to the disputes at once', new URL(p.url()).pathname.endsWith('/decide'));
    const id = await itemId(p), votes = disputed.get(id);
    const said = await p.$$eval('.votes li', (v) => v.map((x) => `${x.querySelector('.by').firstChild.textContent.trim()}: ${x.querySelector('.said-label').textContent}`));
    check('a dispute shows who said what', votes && said.sort().join() === `ana: ${votes.ana},ben: ${votes.ben}`, [id, said, votes]);
    check('and how the labels stand', await p.locator('.label .tally').count() === 2);
    await shot(p, 'dispute');
    const decision = labels.find((l) => l !== votes.ana && l !== votes.ben); // neither: so it can only come from here
    await press(p, keyOf(decision));
    await saved(p);
    await m.waitForFunction(() => [...document.querySelectorAll('.figure')].some((f) => f.textContent.startsWith('Disputes open2')));
    check('the manager sees the decision without a reload', /Decided by experts\s*1/.test(await m.textContent('.legend')), await m.textContent('.legend'));
    return { id, decision };
}

async function managing(mo, decided, disputed) {
    const p = mo.page;
    await p.waitForSelector('.people tr:has-text("ben") td:nth-child(3):text-matches("2[0-9]")'); // follows the stream, a little later
    const row = (name) => p.$$eval(`.people tr:has(th:text-is("${name}")) td`, (cells) => cells.map((c) => c.querySelector('select')?.value ?? c.textContent));
    const [role, n, , , skips, flags] = await row('ana');
    check('people: ana with 20 answers, one skip, one flag', [role, n, skips, flags].join() === 'annotator,20,1,1', await row('ana'));
    check('a manager may make no managers', !(await p.$$eval('.people select option', (o) => o.map((x) => x.value))).includes('manager'));
    await p.click('text=Export labels');
    const download = async (what) => {
        const [d] = await Promise.all([p.waitForEvent('download'), p.click(what)]);
        return readFileSync(await d.path(), 'utf8');
    };
    const rows = (await download('.files a:has-text("labels.jsonl")')).trim().split('\n').map((l) => JSON.parse(l)), at = rows.find((r) => r.id === decided.id);
    check('the export holds the adjudicated label', at?.label === decided.decision && at?.method === 'adjudicated', at);
    check('and the text, as asked', typeof at?.text === 'string' && at.text.length > 0);
    const agreed = [...answers.keys()].filter((id) => !disputed.has(id)), wrong = agreed.filter((id) => rows.find((r) => r.id === id)?.label !== answers.get(id));
    check('and what two people agree on', agreed.length === 17 && wrong.length === 0, wrong);
    check('the other file says what was left out', (await download('.files a:has-text("left_out.csv")')).trim().split('\n').length > 100);
    await p.evaluate(() => scrollTo(0, 0));
    await p.screenshot({ path: join(shots, 'progress.png'), fullPage: true });
    await looking(mo, decided, download);
}

/** The item the expert decided: what its page says, and that its proof holds offline. */
async function looking(mo, decided, download) {
    const p = mo.page;
    mo.expect('404');
    await p.click('nav >> text=Items');
    await p.fill('#wanted', 'no such item');
    await p.press('#wanted', 'Enter');
    await p.waitForSelector('#wanted-said.error');
    check('an id that nobody has is named', /no such item/.test(await p.textContent('#wanted-said')), await p.textContent('#wanted-said'));
    await p.fill('#wanted', decided.id);
    await p.press('#wanted', 'Enter');
    await p.waitForSelector('.known');
    const number = Number(new URL(p.url()).pathname.split('/').pop());
    check('the item is the one', await p.textContent('.known .id') === decided.id, p.url());
    check('its page has label, way and votes', /Label.*by an expert/s.test(await p.textContent('.known .figures')) && (await p.textContent('.known .figures')).includes(decided.decision)
        && await p.locator('.known .votes li').count() === 3, await p.textContent('.known'));
    const proof = join(w.dir, 'proof.json');
    writeFileSync(proof, await download('.known button:text-is("Download")'));
    check('its proof holds offline', /holds|valid|proves/i.test(run(['audit', 'check', proof])), run(['audit', 'check', proof]));
    await p.screenshot({ path: join(shots, 'item.png'), fullPage: true });
    await p.click('text=Next');
    await p.waitForFunction((n) => location.pathname.endsWith(`/items/${n}`) && document.querySelector('.known'), number + 1);
}

async function administering(root) {
    const p = root.page;
    await signIn(p, server.url, 'root');
    await p.waitForSelector('.top');
    await p.goto(`${server.url}/projects/1/progress`);
    await p.fill('#new-name', 'zoe');
    await p.fill('#new-password', password('zoe'));
    await p.selectOption('#new-role', 'annotator');
    await p.click('.people form button:has-text("Add")');
    await p.waitForSelector('.people tr:has-text("zoe")');
    const zoe = await person(b, server.url, { viewport: { width: 390, height: 780 }, hasTouch: true, isMobile: true, colorScheme: 'dark' });
    await signIn(zoe.page, server.url, 'zoe');
    await zoe.page.waitForSelector('article.text');
    check('a person added on the page can work', new URL(zoe.page.url()).pathname.endsWith('/annotate'));
    await shot(zoe.page, 'phone');
    await finish(zoe.page);
    zoe.expect('403');
    await zoe.page.goto(`${server.url}/projects/1/decide`);
    await zoe.page.waitForSelector('.notice h1');
    check('and not where their role has no desk', /not yours/.test(await zoe.page.textContent('.notice')));
    await zoe.page.goto(`${server.url}/account`);
    await zoe.page.fill('#now', 'wrong');
    await zoe.page.fill('#next', 'another password');
    await zoe.page.fill('#again', 'another password');
    await zoe.page.click('text=Change password');
    await zoe.page.waitForSelector('.error:not(:empty)');
    check('a wrong present password keeps the session', /not your password/.test(await zoe.page.textContent('.error')));
    await zoe.page.fill('#now', password('zoe'));
    await zoe.page.fill('#next', 'another password');
    await zoe.page.fill('#again', 'another password');
    await zoe.page.click('text=Change password');
    await zoe.page.waitForSelector('.good:not(:empty)');
    await zoe.page.click('text=Sign out');
    await zoe.page.waitForSelector('#password');
    const s = await ask(server.url, 'POST', '/session', { name: 'zoe', password: 'another password' });
    check('the new password is the one that counts', typeof s.token === 'string', s);
    return zoe;
}

/** Answers as the truth has it until nothing is left for this person; how often `each` said yes. */
async function finish(page, each = async () => false) {
    let n = 0;
    await page.waitForSelector('article.text, .blank h2');
    while (await page.locator('article.text').count() > 0) {
        n += await each() ? 1 : 0;
        await press(page, keyOf(w.truth.get(await itemId(page))));
        await page.waitForSelector('article.text, .blank h2');
    }
    check('then nothing is left', /Nothing left/.test(await page.textContent('.blank')));
    await saved(page);
    return n;
}

/** The machine's turn, up to where it needs people again. */
async function train() {
    await server.stop();
    run(['run', w.pipeline, '--dir', w.at]);
    server = await serve(w.at);
}

/** The expert does all that waits at the desk; the trusted sample is answered blind. */
async function trusting(eva) {
    const p = eva.page;
    await signIn(p, server.url, 'eva');
    await p.waitForSelector('.why:has-text("Trusted sample")');
    check('the trusted sample says why it is blind', /neither its label nor other people/.test((await p.textContent('.why')).replace(/\s+/g, ' ')));
    await shot(p, 'trusted');
    const { token } = await ask(server.url, 'POST', '/session', { name: 'eva', password: password('eva') });
    const shown = await ask(server.url, 'POST', '/projects/1/items:find', { id: await itemId(p) }, token);
    check('nor does its page say more', shown.blind && shown.label === null && shown.pre_label === null && shown.votes.length === 0, shown);
    let seen = 0;
    const trusted = await finish(p, async () => {
        if (!/Trusted sample/.test(await p.textContent('.why'))) return false;
        seen += await p.locator('.label.suggested, .votes').count();
        return true;
    });
    check('12 trusted items, none with a suggestion or votes', trusted === 12 && seen === 0, [trusted, seen]);
    await shot(p, 'empty');
}

/** After training, annotators get suggestions. */
async function suggesting(ana) {
    await signIn(ana.page, server.url, 'ana');
    const q = ana.page;
    await q.waitForSelector('article.text');
    await q.waitForSelector('.label.suggested');
    const id = await itemId(q), suggested = await q.textContent('.label.suggested .name');
    check('a suggestion shows its confidence', /suggested \d+ %/.test(await q.textContent('.label.suggested')));
    await shot(q, 'suggestion');
    await press(q, 'Enter');
    await saved(q);
    await q.keyboard.press('z');
    await q.waitForSelector('.label.previous');
    check('Enter accepts it', await itemId(q) === id && await q.textContent('.label.previous .name') === suggested);
}

async function main() {
    run(['run', w.pipeline, '--dir', w.at]);
    for (const [name, role] of Object.entries(people)) run(['user', 'add', w.at, name, '--role', role, '--password-file', '-'], `${password(name)}\n`);
    server = await serve(w.at);
    b = await browser();
    const url = server.url, [ana, ben, eva, mo, root] = [await person(b, url), await person(b, url), await person(b, url), await person(b, url), await person(b, url)];

    await signing(ana);
    const skipped = await labeling(ana);
    await cutting(ana);
    const disputed = await disputing(ben, skipped);
    check('three disputes were made', disputed.size === 3);
    const decided = await deciding(eva, mo, disputed);
    await managing(mo, decided, disputed);
    const zoe = await administering(root);
    await interrupting(ana);
    await finish(ana.page);
    await finish(ben.page);
    await finish(eva.page);
    for (const p of [ana, ben, eva, mo, root, zoe]) {
        check('no page complained or left its origin', p.complaints.length === 0, p.complaints);
        await p.context.close();
    }

    await train();
    await trusting(await person(b, server.url));
    await train();
    await suggesting(await person(b, server.url));
    console.log(`key to next item: median ${speed[speed.length >> 1]?.toFixed(1)} ms, longest ${speed[speed.length - 1]?.toFixed(1)} ms of ${speed.length}`);
}

try {
    await main();
} catch (e) {
    check('the test came to its end', false, e.stack);
} finally {
    await b?.close();
    await server?.stop();
    w.done();
}
process.exit(failures() > 0 ? 1 : 0);
