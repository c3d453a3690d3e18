// The functions page in a real browser: a rule is typed and its coverage answers; a wrong one says what is wrong; the table is there.
import { browser, check, failures, password, person, run, serve, shots, signIn, workspace } from './kit.mjs';
import { join } from 'node:path';

const w = workspace();
run(['init', w.at, '--pipeline', w.pipeline]);
run(['ingest', w.at, join(w.dir, 'items.jsonl'), '--id', 'id', '--gold', 'topic']);
run(['functions', w.at]);
for (const [name, role] of [['root', 'admin'], ['mia', 'manager'], ['ann', 'annotator']])
    run(['user', 'add', w.at, name, '--role', role, '--password-file', '-'], `${password(name)}\n`);
const server = await serve(w.at), b = await browser();
try {
    const { page, complaints, expect } = await person(b, server.url);
    await signIn(page, server.url, 'mia');
    await page.waitForSelector('nav >> text=Functions');
    await page.click('nav >> text=Functions');
    await page.waitForSelector('table tbody tr');
    check('the table has every function', (await page.locator('tbody tr').count()) === 8, await page.locator('tbody tr').count());

    const answer = () => page.textContent('.coverage .figures');
    const label = (await page.locator('#label option').allTextContents())[0];
    await page.selectOption('#label', label);
    await page.locator('#rule').pressSequentially('any: [refund]');
    await page.waitForFunction(() => /items? of/.test(document.querySelector('.coverage .figures')?.textContent ?? ''));
    check('the answer becomes exact', /of 5\d\d/.test(await answer()), await answer());
    const told = JSON.parse(run(['functions', w.at, '--try', `{label: ${JSON.stringify(label)}, any: [refund]}`, '--json'])).exact;
    check('as the program says', (await answer()).includes(`${told.votes} item`), [await answer(), told]);
    check('examples hold the word', (await page.locator('.examples .begin').allTextContents()).every((t) => /refund/i.test(t) || t.length > 200), '');
    await page.screenshot({ path: join(shots, 'functions.png'), fullPage: true });

    const rows = () => page.locator('section:not(.suggestions) > .wide tbody tr th').evaluateAll((v) => v.map((x) => x.firstChild.textContent));
    await page.focus('#rule');
    await page.keyboard.press('Control+Enter');
    await page.waitForFunction((name) => document.querySelector('.said')?.textContent === `${name} is kept.`, `${label}_1`);
    check('a rule is kept by keyboard, under a name made for it', (await rows()).includes(`${label}_1`) && (await rows()).length === 9, await rows());
    check('and the box is free for the next', (await page.inputValue('#rule')) === '' && (await page.evaluate(() => document.activeElement.id)) === 'rule');
    await page.keyboard.type('any: [refund, money back]');
    await page.fill('#name', 'money');
    await page.focus('#name');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('.said')?.textContent === 'money is kept.');
    check('another under its own', (await rows()).includes('money') && (await rows()).length === 10, await rows());
    await page.click(`tr:has-text("${label}_1") >> text=Edit`);
    check('one is opened as it was typed', (await page.inputValue('#rule')) === 'any: [refund]' && (await page.inputValue('#name')) === `${label}_1` && (await page.textContent('.keep .main')) === 'Replace');
    await page.screenshot({ path: join(shots, 'functions-kept.png'), fullPage: true });
    await page.keyboard.press('End');
    await page.fill('#rule', 'any: [bicycle]');
    await page.keyboard.press('Control+Enter');
    await page.waitForFunction(() => document.querySelector('#rule').value === '');
    check('and replaced', (await rows()).length === 10 && (await page.locator(`tr:has-text("${label}_1") small.kept`).getAttribute('title')).includes('bicycle'));
    await page.click('tr:has-text("money") >> text=Remove');
    await page.waitForFunction(() => document.querySelector('.said')?.textContent === 'money is gone.');
    check('one is taken away', !(await rows()).includes('money') && (await rows()).length === 9, await rows());
    await page.click('text=Suggest rules');
    await page.waitForSelector('.suggestions tbody tr');
    const rule = await page.textContent('.suggestions tbody tr code');
    await page.screenshot({ path: join(shots, 'functions-suggested.png'), fullPage: true });
    await page.click('.suggestions tbody tr >> text=Use');
    check('a suggested rule is taken into the box', (await page.inputValue('#rule')) === rule && (await page.inputValue('#name')) !== '', rule);
    await page.keyboard.press('Control+Enter');
    await page.waitForFunction(() => /is kept\.$/.test(document.querySelector('.said')?.textContent ?? ''));
    check('and kept', (await page.locator('section:not(.suggestions) > .wide tbody tr').count()) === 10);
    const own = (await rows())[0];
    await page.fill('#rule', 'any: [refund]');
    await page.fill('#name', own);
    expect('409');
    await page.click('.keep .main');
    await page.waitForSelector('.said.trouble');
    check('a name of the pipeline file is refused in words', /pipeline file/.test(await page.textContent('.said.trouble')), await page.textContent('.said.trouble'));
    await page.fill('#name', '');

    expect('422');
    expect('400');
    expect('499');
    expect('403');
    await page.fill('#rule', "regex: '(unclosed'");
    await page.waitForSelector('#rule-said.error');
    check('a wrong regex is named', /parenthes/.test(await page.textContent('#rule-said')), await page.textContent('#rule-said'));
    await page.screenshot({ path: join(shots, 'functions-wrong.png') });
    await page.fill('#rule', 'dictionary: /etc/passwd');
    await page.waitForFunction(() => document.querySelector('#rule-said')?.textContent.includes('may not'));
    check('a page cannot read files', true);
    await page.fill('#rule', 'lua: "function(item) while true do end end"');
    await page.waitForFunction(() => document.querySelector('.coverage .error')?.textContent.includes('ran longer'));
    check('a rule that hangs is named', /Failed on/.test(await page.textContent('.coverage .error')), await page.textContent('.coverage .error'));
    await page.fill('#rule', '');
    check('nothing typed, nothing answered', (await page.locator('.coverage').count()) === 0 || (await page.waitForSelector('.coverage', { state: 'detached' })) === null);
    check('the page complains of nothing else', complaints.length === 0, complaints);

    const phone = await person(b, server.url, { viewport: { width: 390, height: 800 } });
    await signIn(phone.page, server.url, 'mia');
    await phone.page.waitForSelector('nav');
    await phone.page.goto(`${server.url}/projects/1/functions`);
    await phone.page.waitForSelector('table tbody tr');
    check('nothing sticks out on a phone', await phone.page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));

    const ann = await person(b, server.url);
    ann.expect('403');
    await signIn(ann.page, server.url, 'ann');
    await ann.page.waitForSelector('.shell');
    await ann.page.goto(`${server.url}/projects/1/functions`);
    await ann.page.waitForSelector('.functions .error, .notice');
    check('an annotator sees no functions', (await ann.page.locator('tbody tr').count()) === 0);
} finally {
    await b.close();
    await server.stop();
    w.done();
}
process.exit(failures() ? 1 : 0);
