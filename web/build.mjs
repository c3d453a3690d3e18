// Builds the pages: src/ → OUT (default dist/): index.html, app.js, app.css, icon.svg. `node build.mjs OUT DEPFILE TARGET` also
// writes, in Makefile form, which files TARGET came from. Nothing in the result asks for anything outside its own origin.
import { build } from 'esbuild';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeApi } from './gen-api.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const [out = resolve(here, 'dist'), depfile, target] = process.argv.slice(2);
const copied = ['index.html', 'icon.svg'].map((name) => resolve(here, 'src', name));

const openapi = writeApi();
mkdirSync(out, { recursive: true });
const { metafile } = await build({
    absWorkingDir: here,
    entryPoints: { app: 'src/main.tsx' },
    outdir: out,
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome109', 'firefox115', 'safari16.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    metafile: true,
    logLevel: 'warning',
});
for (const file of copied) copyFileSync(file, resolve(out, relative(resolve(here, 'src'), file)));

if (depfile && target) {
    const scripts = ['build.mjs', 'gen-api.mjs', 'package-lock.json'].map((name) => resolve(here, name));
    // api.gen.ts is made here, so what it is made from counts, not itself.
    const sources = Object.keys(metafile.inputs).filter((name) => !name.endsWith('api.gen.ts')).map((name) => resolve(here, name));
    const inputs = [...scripts, ...copied, openapi, ...sources].map((name) => name.replace(/[ #$]/g, '\\$&'));
    writeFileSync(depfile, `${target}: ${inputs.join(' \\\n  ')}\n`);
}
