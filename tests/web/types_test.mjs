// The pages' sources: types fit, and no committed file of web/ names a package registry.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const web = 'web';
execFileSync('node', ['gen-api.mjs'], { cwd: web });
const tsc = spawnSync('node', ['node_modules/typescript/bin/tsc', '--noEmit'], { cwd: web, encoding: 'utf8' });
console.log(tsc.status === 0 ? 'ok   types' : `FAIL types\n${tsc.stdout}`);

const lock = JSON.parse(readFileSync(`${web}/package-lock.json`, 'utf8'));
const resolved = Object.entries(lock.packages).filter(([, p]) => p.resolved).map(([name]) => name);
console.log(resolved.length === 0 ? 'ok   the lockfile names no registry' : `FAIL the lockfile says where ${resolved.join(', ')} came from; web/.npmrc prevents that`);
process.exit(tsc.status !== 0 || resolved.length > 0 ? 1 : 0);
