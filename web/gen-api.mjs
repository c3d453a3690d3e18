// Turns docs/openapi.json into src/api.gen.ts: a type per body and a typed call per operation, so the pages cannot ask for
// a route that does not exist or misspell a field. Responses carry all their fields; requests only need the required ones.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = new URL('..', import.meta.url);
const methods = ['get', 'put', 'post', 'delete', 'patch'];

const typeName = (schema) => schema.replace(/^kt_/, '').replace(/(^|_)([a-z])/g, (_, _u, c) => c.toUpperCase());
const refName = (ref) => typeName(ref.split('/').pop());

/** A JSON Schema, as far as shapes use it, as a TypeScript type. */
function typeOf(s) {
    if (s.$ref) return refName(s.$ref);
    if (s.enum) return s.enum.map((v) => JSON.stringify(v)).join(' | ');
    const one = { string: 'string', boolean: 'boolean', integer: 'number', number: 'number', null: 'null', object: 'Record<string, unknown>' };
    return [s.type].flat().map((t) => (t === 'array' ? `${typeOf(s.items)}[]` : (one[t] ?? 'unknown'))).join(' | ');
}

const bodyRef = (part) => part?.content?.['application/json']?.schema?.$ref;

function operations(doc) {
    const base = doc.servers?.[0]?.url?.replace(/\/$/, '') ?? '';
    return Object.entries(doc.paths).flatMap(([path, item]) =>
        methods.filter((m) => item[m]).map((m) => {
            const op = item[m];
            const ok = Object.entries(op.responses).find(([status]) => status.startsWith('2'))?.[1];
            const media = Object.keys(ok?.content ?? {});
            return {
                name: op.operationId, summary: op.summary, method: m.toUpperCase(), path: base + path,
                params: [...path.matchAll(/\{(\w+)\}/g)].map((x) => x[1]),
                input: bodyRef(op.requestBody), output: bodyRef(ok),
                // Files and event streams are not read by call(): the pages need their address.
                stream: media.some((t) => t !== 'application/json') || (m === 'get' && !bodyRef(ok)),
            };
        }));
}

function interfaceOf(name, schema, isRequest) {
    const fields = Object.entries(schema.properties ?? {}).map(([field, s]) => {
        const optional = isRequest && !(schema.required ?? []).includes(field);
        return `    /** ${s.description ?? ''} */\n    ${field}${optional ? '?' : ''}: ${typeOf(s)};\n`;
    });
    return `/** ${schema.description ?? ''} */\nexport interface ${typeName(name)} {\n${fields.join('')}}\n`;
}

function callOf(op) {
    const path = '`' + op.path.replace(/\{(\w+)\}/g, (_, p) => '${part(' + p + ')}') + '`';
    const params = op.params.map((p) => `${p}: Part`);
    if (op.stream) return `    /** ${op.summary} (its address) */\n    ${op.name}: (${params.join(', ')}) => ${path},\n`;
    if (op.input) params.push(`body: ${refName(op.input)}`);
    const body = op.input ? ', body' : '';
    return `    /** ${op.summary} */\n    ${op.name}: (${params.join(', ')}) => call<${op.output ? refName(op.output) : 'void'}>('${op.method}', ${path}${body}),\n`;
}

export function generate(doc) {
    const ops = operations(doc);
    const requests = new Set(ops.map((op) => op.input?.split('/').pop()));
    const schemas = Object.entries(doc.components.schemas).map(([name, s]) => interfaceOf(name, s, requests.has(name)));
    return `// Made by gen-api.mjs from docs/openapi.json; not to be edited.
import { call } from './call';

type Part = string | number;
const part = (v: Part) => encodeURIComponent(v);

${schemas.join('\n')}
export const api = {
${ops.map(callOf).join('')}};
`;
}

/** Writes src/api.gen.ts if it would change. */
export function writeApi() {
    const from = fileURLToPath(new URL('docs/openapi.json', root)), to = fileURLToPath(new URL('web/src/api.gen.ts', root));
    const text = generate(JSON.parse(readFileSync(from, 'utf8')));
    if (!existsSync(to) || readFileSync(to, 'utf8') !== text) {
        writeFileSync(`${to}.${process.pid}`, text);
        renameSync(`${to}.${process.pid}`, to);
    }
    return from;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeApi();
